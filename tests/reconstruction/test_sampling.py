"""Points on a surface: uniform by area."""

import math

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.data.off import Mesh
from support.solids import WITHOUT_AREA, box, sampled


def test_faces_get_points_in_proportion_to_their_areas():
    """Sides of 1 x 2 x 3: the six faces have 6, 6, 3, 3, 2 and 2 of 22."""
    count = 20_000
    points = sampled(box(1.0, 2.0, 3.0), count)
    on_face = np.abs(np.abs(points) - [0.5, 1.0, 1.5]) < 1e-12
    assert (on_face.sum(1) == 1).all() and (np.abs(points) <= np.array([0.5, 1.0, 1.5]) + 1e-12).all()
    shares = np.array([(on_face[:, i] & (sign * points[:, i] > 0)).mean() for i in range(3) for sign in (-1, 1)])
    expected = np.repeat([6, 3, 2], 2) / 22
    # Five standard deviations of a binomial share.
    assert (np.abs(shares - expected) < 5 * np.sqrt(expected * (1 - expected) / count)).all()


def test_points_are_uniform_within_a_triangle():
    """Each of the four triangles between the corners and the middles of the sides gets a quarter."""
    triangle = Mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.array([[0, 1, 2]]))
    x, y, z = sampled(triangle, 8000).T
    assert not z.any() and (x >= 0).all() and (y >= 0).all() and (x + y <= 1 + 1e-12).all()
    shares = np.array([(x > 0.5).mean(), (y > 0.5).mean(), (x + y < 0.5).mean()])
    assert (np.abs(shares - 0.25) < 5 * math.sqrt(0.25 * 0.75 / 8000)).all()


def test_faces_without_area_get_no_points():
    mesh = box(1.0, 1.0, 1.0)
    far = Mesh(np.concatenate([mesh.vertices, [[9.0, 9, 9]]]), np.concatenate([[[8, 8, 0]], mesh.faces, [[8, 8, 8]]]))
    assert np.abs(sampled(far, 2000)).max() < 0.5 + 1e-12


@pytest.mark.parametrize("mesh", WITHOUT_AREA.values(), ids=WITHOUT_AREA.keys())
def test_a_mesh_without_area_cannot_be_sampled(mesh):
    with pytest.raises(InputError, match="area"):
        sampled(mesh, 10)

"""Coarse meshes keep the shape: slow farthest point sampling, and silhouettes beside the fine ones."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.refinement.coarse_mesh import coarsen
from pipeline.rendering.rasterizer import make_rasterizer
from support.models import model_of, randomise
from support.scenes import to_clip


def bumpy(resolution=12):
    """Vertices and faces of a sphere with bumps."""
    model = model_of(model__grid__resolution=resolution)
    randomise(model.changing.distance, scale=0.05)
    template = model.template()
    return template.vertices.detach(), template.faces


def slowly(points, faces, count):
    """Farthest point sampling, one vertex after the other; faces between the nearest kept vertices."""
    kept = [int(((points - points.mean(0)) ** 2).sum(1).argmax())]
    while len(kept) < count:
        kept.append(int(((points[:, None] - points[kept]) ** 2).sum(-1).min(1).argmax()))
    owner = ((points[:, None] - points[kept]) ** 2).sum(-1).argmin(1)
    found = []
    for corners in owner[faces].tolist():
        if len(set(corners)) == 3 and not any(set(corners) == set(other) for other in found):
            found.append(corners)
    return kept, found


@given(st.integers(4, 40), st.integers(0, 100))
@settings(max_examples=20, deadline=None)
def test_equals_slow_sampling(count, seed):
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(50, 3))
    faces = rng.integers(0, 50, (80, 3))
    mesh = coarsen(torch.from_numpy(points), torch.from_numpy(faces), count)
    rows, expected = slowly(points, faces, count)
    assert mesh.rows.tolist() == rows
    assert mesh.faces.tolist() == expected


def test_a_small_mesh_stays_as_it_is():
    vertices, faces = bumpy()
    mesh = coarsen(vertices, faces, len(vertices))
    assert torch.equal(mesh.rows, torch.arange(len(vertices)))
    assert torch.equal(mesh.faces, faces)


@pytest.mark.parametrize("turn", [0.0, 1.0])
def test_silhouettes_are_nearly_those_of_the_fine_mesh(turn):
    vertices, faces = bumpy(resolution=20)
    mesh = coarsen(vertices, faces, 300)
    assert len(mesh.rows) == 300 < len(vertices) / 3
    cos, sin = np.cos(turn), np.sin(turn)
    turned = vertices @ torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]], dtype=torch.float32)
    clip = to_clip(turned[None], 50.0, 5.08)
    raster = make_rasterizer()
    fine = raster.rasterize(clip, faces, (32, 32))[..., 3] > 0
    coarse = raster.rasterize(clip[:, mesh.rows], mesh.faces, (32, 32))[..., 3] > 0
    assert (fine & coarse).sum() / (fine | coarse).sum() > 0.93

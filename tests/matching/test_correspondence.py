"""Eq. 8-10: visibility, nearest visible vertex, transfer."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.matching.transfer import nearest_visible_vertex, transfer
from pipeline.photographs.cameras import clip_to_crop, rotation_from_angles
from pipeline.prediction.projection import Projection, visible_vertices
from pipeline.rendering.depth_map import depth_map
from pipeline.rendering.rasterizer import make_rasterizer
from support.scenes import to_clip


def random_projection(seed, count=40, visible_share=0.5):
    generator = torch.Generator().manual_seed(seed)
    vertices = 100 * torch.rand(count, 2, generator=generator)
    return Projection(vertices, torch.rand(count, generator=generator) < visible_share, torch.eye(3))


def sphere(rings=24, sectors=48):
    """Vertices and faces of a unit sphere."""
    polar = np.linspace(0, np.pi, rings + 1)[1:-1]
    around = np.arange(sectors) * 2 * np.pi / sectors
    p, a = (grid.ravel() for grid in np.meshgrid(polar, around, indexing="ij"))
    body = np.stack([np.sin(p) * np.cos(a), np.cos(p), np.sin(p) * np.sin(a)], -1)
    vertices = np.concatenate([body, [[0, 1, 0], [0, -1, 0]]])
    faces = []
    for j in range(sectors):
        k = (j + 1) % sectors
        for i in range(rings - 2):
            corners = (i * sectors + j, i * sectors + k, (i + 1) * sectors + k, (i + 1) * sectors + j)
            faces += [[corners[0], corners[1], corners[2]], [corners[0], corners[2], corners[3]]]
        last = (rings - 2) * sectors
        faces += [[len(body), k, j], [len(body) + 1, last + j, last + k]]
    return torch.from_numpy(vertices).float(), torch.tensor(faces, dtype=torch.int32)


def test_z_buffer_test_by_hand():
    nearest = torch.tensor([[1.0, torch.inf], [2.0, 5.0]])
    points = torch.tensor([[0.2, 0.2], [0.2, 0.2], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9], [-0.01, 0.5], [0.5, 1.0]])
    depth = torch.tensor([1.05, 1.2, 100.0, 2.0, 5.2, 0.0, 0.0])
    expected = [True, False, True, True, False, False, False]
    assert visible_vertices(points, depth, nearest, 0.1).tolist() == expected


def test_no_vertex_and_a_vertex_that_is_no_number_are_fine():
    nearest = torch.ones(4, 4)
    assert visible_vertices(torch.zeros(0, 2), torch.zeros(0), nearest, 0.1).shape == (0,)
    nan = torch.full((1, 2), torch.nan)
    assert not visible_vertices(nan, torch.zeros(1), nearest, 0.1).any()


@pytest.mark.parametrize("azimuth", [0.0, 0.7, 2.5])
def test_visibility_agrees_with_the_faces_that_own_a_pixel(azimuth):
    """MagicPony's test: a vertex is visible iff it belongs to a face that owns a pixel."""
    vertices, faces = sphere()
    # A second, smaller sphere that sticks out of it: they hide parts of each other.
    vertices = torch.cat([vertices, 0.4 * vertices + torch.tensor([0.5, 0.2, 0.7])])
    faces = torch.cat([faces, faces + len(vertices) // 2])
    angle = torch.tensor(azimuth)
    rotation = rotation_from_angles(torch.stack([angle.cos(), angle.sin()]), torch.tensor(0.3), torch.tensor(0.0))
    camera = (vertices @ rotation.T)[None]
    # The object fills the crop, as the predictions place it.
    clip = to_clip(camera, 10.0, 14.0).contiguous()
    rasterizer = make_rasterizer("cpu")
    owned = rasterizer.rasterize(clip, faces, (256, 256))[0, ..., 3]
    nearest = depth_map(rasterizer, clip, faces, 256)[0]
    diagonal = float((vertices.amax(0) - vertices.amin(0)).norm())
    visible = visible_vertices(clip_to_crop(clip)[0], clip[0, :, 3], nearest, 0.02 * diagonal)
    drawn = torch.zeros(len(vertices), dtype=torch.bool)
    drawn[faces[owned[owned > 0].long() - 1].flatten().long()] = True
    agreement = (visible == drawn).float().mean()
    assert 0.3 < drawn.float().mean() < 0.7
    assert agreement > 0.95


@settings(max_examples=20)
@given(st.integers(0, 2**31 - 1), st.integers(0, 6))
def test_nearest_visible_vertex_against_a_loop(seed, count):
    source = random_projection(seed)
    query = 100 * torch.rand(count, 2, generator=torch.Generator().manual_seed(seed + 1))
    found = nearest_visible_vertex(query, source)
    candidates = [i for i in range(40) if source.visible[i]] or range(40)
    expected = [min(candidates, key=lambda i: float((source.vertices[i] - x).norm())) for x in query]
    distances = (source.vertices[found] - query).norm(dim=-1)
    torch.testing.assert_close(distances, (source.vertices[expected] - query).norm(dim=-1))
    assert found.shape == (count,)


def test_hidden_vertices_answer_only_when_nothing_is_visible():
    vertices = torch.tensor([[0.0, 0.0], [9.0, 9.0]])
    query = torch.tensor([[1.0, 1.0]])
    assert nearest_visible_vertex(query, Projection(vertices, torch.tensor([False, True]), torch.eye(3))).tolist() == [
        1
    ]
    assert nearest_visible_vertex(query, Projection(vertices, torch.tensor([False, False]), torch.eye(3))).tolist() == [
        0
    ]


def test_equally_near_vertices_give_the_first():
    vertices = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    source = Projection(vertices, torch.ones(2, dtype=torch.bool), torch.eye(3))
    assert nearest_visible_vertex(torch.zeros(1, 2), source).tolist() == [0]


def test_transfer_returns_the_same_vertex_even_if_it_is_hidden_in_the_target():
    source, target = random_projection(0), random_projection(1, visible_share=0.0)
    seen = source.visible.nonzero()[:, 0]
    torch.testing.assert_close(transfer(source.vertices[seen], source, target), target.vertices[seen])

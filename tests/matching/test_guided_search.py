"""The guided search against a loop over the pixels, and what it can do that the local search cannot."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.config.evaluation_params import Guided
from pipeline.matching.feature_map import sample_map
from pipeline.matching.guided_search import guided_search
from pipeline.matching.local_search import local_search
from pipeline.prediction.projection import Projection

SIZE = 16
EVERYWHERE = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
PARAMS = Guided(map_size=SIZE, field=0.5, image_spread=0.4, template_spread=0.2)


def made(seed, count=30):
    generator = torch.Generator().manual_seed(seed)
    draw = torch.rand(count, 6, generator=generator, dtype=torch.float64)
    mesh = Projection(draw[:, :2], draw[:, 2] < 0.6, torch.eye(3))
    tokens = torch.randn(8, 8, 5, generator=generator)
    field = torch.randn(count, 5, generator=generator).double()
    reference = torch.randn(4, 5, generator=generator).double()
    return reference, torch.randint(count, (4,), generator=generator), tokens, mesh, draw[:, 3:], field


def cosine(a, b):
    return float(a @ b / (a.norm() * b.norm()))


def score(f, i, pixel, tokens, mesh, positions, field, params):
    """The score of one pixel for one query, by the formula."""
    feature = sample_map(tokens.double(), pixel[None])[0]
    visible = [n for n in range(len(positions)) if mesh.visible[n]]
    shown = min(visible, key=lambda n: float((mesh.vertices[n] - pixel).norm()))
    diagonal = float((positions.amax(0) - positions.amin(0)).norm())
    apart = float((pixel - mesh.vertices[i]).norm()) / params.image_spread
    on_template = float((positions[shown] - positions[i]).norm()) / (params.template_spread * diagonal)
    return cosine(f, feature) + params.field * cosine(field[i], feature) - (apart**2 + on_template**2) / 2


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([0.0, 0.5]))
def test_matches_against_a_loop(seed, weight):
    reference, vertex, tokens, mesh, positions, field = made(seed)
    params = Guided(SIZE, weight, 0.3, 0.2)
    region = torch.tensor([[0.1, 0.0], [1.0, 0.8]]).double()
    found = guided_search(reference, vertex, tokens, mesh, positions, field, region, params)
    pixels = [torch.tensor([(c + 0.5) / SIZE, (r + 0.5) / SIZE]).double() for r in range(SIZE) for c in range(SIZE)]
    pixels = [pixel for pixel in pixels if pixel[0] >= 0.1 and pixel[1] <= 0.8]
    for f, i, answer in zip(reference, vertex.tolist(), found, strict=True):
        scores = [score(f, i, pixel, tokens, mesh, positions, field, params) for pixel in pixels]
        assert (answer == pixels[int(np.argmax(np.round(scores, 6)))]).all()


def test_queries_do_not_depend_on_each_other():
    reference, vertex, *others = made(3)
    together = guided_search(reference, vertex, *others, EVERYWHERE, PARAMS)
    alone = [guided_search(reference[k : k + 1], vertex[k : k + 1], *others, EVERYWHERE, PARAMS) for k in range(4)]
    assert torch.equal(together, torch.cat(alone))


def test_without_visible_vertices_or_pixels_all_are_candidates():
    reference, vertex, tokens, mesh, positions, field = made(4)
    nothing = mesh._replace(visible=torch.zeros_like(mesh.visible))
    everything = mesh._replace(visible=torch.ones_like(mesh.visible))
    outside = torch.tensor([[0.5, 0.5], [0.5, 0.5]]).double()
    found = [
        guided_search(reference, vertex, tokens, one, positions, field, region, PARAMS)
        for one, region in ((nothing, EVERYWHERE), (everything, outside), (everything, EVERYWHERE))
    ]
    assert torch.equal(found[0], found[2])
    assert torch.equal(found[1], found[2])


def wheels(turned=0.0):
    """A bar with two alike ends in the image, seen through a mesh that is displaced by `turned`."""
    centres = (torch.arange(SIZE).double() + 0.5) / SIZE
    x = torch.meshgrid(centres, centres, indexing="xy")[0]
    ends = torch.exp(-((x - 0.2) ** 2) / 0.005) + torch.exp(-((x - 0.8) ** 2) / 0.005)
    tokens = torch.stack([ends, 1 - ends], -1).float()
    along = torch.linspace(0, 1, 41).double()
    positions = torch.stack([along, torch.zeros(41), torch.zeros(41)], -1).double()
    points = torch.stack([along + turned, torch.full((41,), 0.5)], -1).double()
    field = sample_map(tokens.double(), torch.stack([along, torch.full((41,), 0.5)], -1).double())
    return tokens, Projection(points, torch.ones(41, dtype=torch.bool), torch.eye(3)), positions, field


@pytest.mark.parametrize(("vertex", "expected"), [(8, 0.2), (32, 0.8)])
def test_a_pose_that_is_off_by_more_than_the_window_is_mended_and_equal_parts_are_told_apart(vertex, expected):
    tokens, mesh, positions, field = wheels(turned=0.15)
    reference, index = field[vertex][None], torch.tensor([vertex])
    found = guided_search(reference, index, tokens, mesh, positions, field, EVERYWHERE, PARAMS)
    assert float(found[0, 0]) == pytest.approx(expected, abs=0.05)
    near = local_search(reference, tokens, mesh.vertices[index], EVERYWHERE, 0.0098, 64)
    assert abs(float(near[0, 0]) - expected) > 0.08


def test_a_narrow_guide_is_the_projection():
    reference, vertex, tokens, mesh, positions, field = made(5)
    tight = Guided(SIZE, 0.5, 1e-3, 1e3)
    found = guided_search(reference, vertex, tokens, mesh, positions, field, EVERYWHERE, tight)
    assert float((found - mesh.vertices[vertex]).abs().max()) <= 0.5 / SIZE + 1e-9


def test_a_wide_guide_without_field_is_the_nearest_neighbour():
    reference, vertex, tokens, mesh, positions, field = made(6)
    wide = Guided(SIZE, 0.0, 1e6, 1e6)
    found = guided_search(reference, vertex, tokens, mesh, positions, field, EVERYWHERE, wide)
    for f, pixel in zip(reference, found, strict=True):
        here = cosine(f, sample_map(tokens.double(), pixel[None])[0])
        centres = (torch.arange(SIZE).double() + 0.5) / SIZE
        best = max(cosine(f, sample_map(tokens.double(), p[None])[0]) for p in torch.cartesian_prod(centres, centres))
        assert here == pytest.approx(best, abs=1e-6)
    assert math.isfinite(float(found.sum()))

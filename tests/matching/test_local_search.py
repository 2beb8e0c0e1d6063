"""Eq. 11: interpolated features, the window, the search against a slow loop, and the acceptance check of Eq. 8-11."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.matching.feature_map import neighbour_products, product_weights, sample_map, weights_between
from pipeline.matching.local_search import local_search, window_offsets
from pipeline.matching.transfer import transfer
from pipeline.prediction.projection import Projection
from support.scored_world import SHEAR, canonical, seen, token_grid, vertices

POINT = st.floats(-0.25, 1.25, width=32)
WHOLE = torch.tensor([[0.0, 0.0], [1.0, 1.0]])


def bilinear(tokens, u, v):
    """One point at a time, the border repeated."""
    size = len(tokens)
    x, y = (min(max(c * size - 0.5, 0.0), size - 1.0) for c in (u, v))
    j, i = min(int(x), size - 2), min(int(y), size - 2)
    fx, fy = x - j, y - i
    top = (1 - fx) * tokens[i][j] + fx * tokens[i][j + 1]
    return (1 - fy) * top + fy * ((1 - fx) * tokens[i + 1][j] + fx * tokens[i + 1][j + 1])


def random_tokens(seed, size=6, channels=5):
    return torch.randn(size, size, channels, generator=torch.Generator().manual_seed(seed))


@given(st.integers(0, 1000), POINT, POINT)
def test_sampled_features_against_a_loop(seed, u, v):
    tokens = random_tokens(seed)
    expected = bilinear(tokens, u, v)
    torch.testing.assert_close(sample_map(tokens, torch.tensor([[u, v]]))[0], expected, atol=1e-4, rtol=1e-4)


def test_a_token_lies_at_the_centre_of_its_patch():
    tokens = random_tokens(0)
    point = torch.tensor([[(4 + 0.5) / 6, (1 + 0.5) / 6]])
    torch.testing.assert_close(sample_map(tokens, point)[0], tokens[1, 4])


@given(st.integers(0, 1000), st.integers(2, 7), POINT, POINT)
def test_weights_give_the_sampled_products_and_lengths(seed, size, u, v):
    tokens = random_tokens(seed, size).double()
    reference = random_tokens(seed + 1).double()[0, 0]
    expected = sample_map(tokens, torch.tensor([[u, v]], dtype=torch.float64))[0]
    points, patches = torch.tensor([[v], [u]], dtype=torch.float64), torch.arange(size).expand(2, size)
    rows, columns = weights_between(points, patches, size)
    torch.testing.assert_close((rows @ (tokens @ reference) @ columns.T)[0, 0], expected @ reference)
    length = product_weights(rows) @ neighbour_products(tokens) @ product_weights(columns).T
    torch.testing.assert_close(length[0, 0], expected.square().sum())


@pytest.mark.parametrize(("area", "side"), [(0.0067, 21), (0.00039, 5), (0.0, 1), (1.0, 257)])
def test_window_has_the_size_of_its_area(area, side):
    offsets = window_offsets(area, 256)
    assert len(offsets) == side**2
    assert len(offsets.unique(dim=0)) == side**2
    assert offsets.abs().max() == (side - 1) / 2 / 256
    assert offsets[0].tolist() == [0, 0]
    assert (offsets.norm(dim=-1).diff() >= -1e-7).all()


@settings(max_examples=20)
@given(st.integers(0, 1000))
def test_search_against_a_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    tokens = random_tokens(seed)
    start = torch.rand(3, 2, generator=generator)
    reference = torch.randn(3, 5, generator=generator)
    region = torch.tensor([[0.1, 0.0], [1.0, 0.8]])
    found = local_search(reference, tokens, start, region, 0.04, 32)
    reach = math.floor(0.2 * 32 / 2)
    for k in range(3):
        similarity = {}
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                p = start[k] + torch.tensor([dx, dy]) / 32
                if (p >= region[0]).all() and (p <= region[1]).all():
                    feature = bilinear(tokens, *p.tolist())
                    similarity[tuple(p.tolist())] = float(torch.cosine_similarity(feature, reference[k], dim=0))
        if similarity:
            # Beyond the outermost tokens features are constant, so that several places may be the best.
            assert similarity[tuple(found[k].tolist())] >= max(similarity.values()) - 2e-6
        else:
            assert torch.equal(found[k], start[k])


def test_without_a_reason_to_move_the_point_stays():
    start = torch.tensor([[0.3, 0.61], [1.7, 0.2]])
    flat = torch.ones(6, 6, 5)
    assert torch.equal(local_search(torch.ones(2, 5), flat, start, WHOLE, 0.01, 256), start)
    # The second start is so far outside that all its window is; features could not hold it back.
    outside = local_search(torch.randn(2, 5), random_tokens(0), start, WHOLE, 0.01, 256)
    assert torch.equal(outside[1], start[1])


def test_no_query_gives_no_answer():
    assert local_search(torch.ones(0, 5), random_tokens(0), torch.ones(0, 2), WHOLE, 0.01, 64).shape == (0, 2)


def follow(name_a, name_b, query):
    """Eq. 8-11 between two images of the known world, in crop coordinates."""
    tokens_a, tokens_b = (torch.from_numpy(token_grid(SHEAR[name])) for name in (name_a, name_b))
    points = (torch.from_numpy(seen(vertices(), SHEAR[name])).float() for name in (name_a, name_b))
    visible = torch.ones(len(vertices()), dtype=torch.bool)
    a, b = (Projection(p, visible, torch.eye(3)) for p in points)
    start = transfer(query, a, b)
    return local_search(sample_map(tokens_a, query), tokens_b, start, WHOLE, 0.0067, 256)


@pytest.mark.parametrize(
    ("a", "b", "share", "limit"), [("a", "a", 0.99, 0.004), ("a", "b", 0.95, 0.02), ("c", "b", 0.95, 0.02)]
)
def test_acceptance_known_maps_are_found(a, b, share, limit):
    """An image to itself returns the query pixel; a deformed image returns the known map. Limits are crop lengths."""
    points = np.random.default_rng(0).uniform(0.12, 0.88, (500, 2))
    query = torch.from_numpy(seen(points, SHEAR[a])).float()
    expected = torch.from_numpy(seen(canonical(query.numpy(), SHEAR[a]), SHEAR[b])).float()
    errors = (follow(a, b, query) - expected).norm(dim=-1)
    assert (errors <= limit).float().mean() >= share

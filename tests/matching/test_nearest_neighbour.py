"""Nearest neighbours against the slow way: upsample the features, normalise, compare with every pixel."""

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.pair_by_pair import interpolate
from pipeline.matching.feature_map import sample_map
from pipeline.matching.nearest_neighbour import nearest_neighbour

SIZE = 24


def pixel_centres():
    return [((c + 0.5) / SIZE, (r + 0.5) / SIZE) for r in range(SIZE) for c in range(SIZE)]


def similarity(feature, tokens, point):
    return float(torch.cosine_similarity(sample_map(tokens, point[None])[0], feature, dim=0))


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_matches_against_a_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randn(6, 6, 5, generator=generator)
    allowed = torch.rand(SIZE, SIZE, generator=generator) < 0.5
    features = torch.randn(3, 5, generator=generator)
    found = nearest_neighbour(features, tokens, allowed)
    candidates = torch.tensor(pixel_centres())[allowed.flatten()]
    for feature, point in zip(features, found, strict=True):
        assert (candidates == point).all(-1).any()
        best = max(similarity(feature, tokens, candidate) for candidate in candidates)
        assert similarity(feature, tokens, point) >= best - 2e-6


def test_the_pixel_a_feature_was_taken_from_is_found():
    tokens = torch.randn(8, 8, 16, generator=torch.Generator().manual_seed(0))
    everywhere = torch.ones(SIZE, SIZE, dtype=torch.bool)
    points = torch.tensor(pixel_centres())
    inner = points[((points > 0.1) & (points < 0.9)).all(-1)]
    features = 3 * sample_map(tokens, inner)
    torch.testing.assert_close(nearest_neighbour(features, tokens, everywhere), inner)


def test_matches_stay_where_they_are_allowed_and_an_empty_mask_allows_all():
    tokens = torch.randn(6, 6, 5, generator=torch.Generator().manual_seed(1))
    features = torch.randn(20, 5, generator=torch.Generator().manual_seed(2))
    allowed = torch.zeros(SIZE, SIZE, dtype=torch.bool)
    free = nearest_neighbour(features, tokens, allowed)
    assert torch.equal(free, nearest_neighbour(features, tokens, ~allowed))
    allowed[3, 17] = True
    only = nearest_neighbour(features, tokens, allowed)
    torch.testing.assert_close(only, torch.tensor([[17.5, 3.5]]).expand(20, 2) / SIZE)


def test_features_without_length_do_not_stop_a_search():
    tokens = torch.zeros(6, 6, 5)
    tokens[2, 4] = 1.0
    found = nearest_neighbour(torch.ones(1, 5), tokens, torch.ones(SIZE, SIZE, dtype=torch.bool))
    assert torch.isfinite(found).all()
    assert (found[0] * 6).floor().sub(torch.tensor([4, 2])).abs().max() <= 1


@settings(max_examples=30)
@given(
    st.integers(0, 2**31),
    st.integers(2, 9),
    st.integers(1, 40),
    st.integers(1, 6),
    st.sampled_from([0.0, 0.1, 0.9, 1.0]),
    st.booleans(),
)
def test_nearest_neighbours_of_any_map_against_every_pixel(seed, grid, size, channels, share, flat):
    """With few channels and with constant stretches cosines are negative everywhere, or equal at many pixels."""
    rng = np.random.default_rng(seed)
    tokens = rng.normal(size=(grid, grid, channels))
    if flat:
        tokens = np.sign(tokens).round()
    features, allowed = rng.normal(size=(4, channels)), rng.random((size, size)) < share
    found = nearest_neighbour(*map(torch.from_numpy, (features, tokens, allowed)))
    centres = [((column + 0.5) / size, (row + 0.5) / size) for row in range(size) for column in range(size)]
    candidates = np.array(centres)[allowed.ravel() | ~allowed.any()]
    directions = np.array([interpolate(tokens, point) for point in candidates])
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    for feature, point in zip(features, found.numpy(), strict=True):
        cosine = directions @ feature / np.linalg.norm(feature)
        (position,) = np.flatnonzero(np.isclose(candidates, point, rtol=0, atol=1e-12).all(1))
        # Where opposite patches cancel hardly anything is left of |F|, and half of the digits.
        assert cosine[position] >= cosine.max() - 1e-7


def test_a_flat_map_is_answered_by_its_first_allowed_pixel():
    tokens, features = torch.ones(5, 5, 3), torch.tensor([[1.0, 2.0, 3.0], [-1.0, -1.0, 0.0]])
    allowed = torch.zeros(13, 13, dtype=torch.bool)
    allowed[4:, 7:] = True
    expected = torch.tensor([7.5, 4.5]) / 13
    torch.testing.assert_close(nearest_neighbour(features, tokens, allowed), expected.expand(2, 2))


def test_no_query_has_no_neighbour():
    assert nearest_neighbour(torch.ones(0, 3), torch.ones(4, 4, 3), torch.ones(8, 8, dtype=torch.bool)).shape == (0, 2)

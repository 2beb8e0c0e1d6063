"""Nearest neighbours against the slow way: upsample the features, normalise, compare with every pixel."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

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

"""The cross-entropy search against one that is written out for a single image and start."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.refinement.search import cross_entropy_search
from support.tiny import tiny_params


def settings_of(**changes):
    return tiny_params(**{f"refine__{name}": value for name, value in changes.items()}).refine


def bowls(centres):
    """A function for each image, least at its centre."""
    return lambda points: ((points - centres[:, None]) ** 2 * torch.tensor([1.0, 4.0])).sum(-1)


def slowly(function, starts, spread, params, generator):
    """The best value of one image, found with one kept start."""
    values = [function(start) for start in starts]
    best = min(values)
    mean, width = starts[values.index(best)].clone(), spread.clone()
    weights = torch.exp(-torch.arange(params.elite) / 2)
    for _ in range(params.rounds):
        samples = mean + torch.randn(params.samples, len(spread), generator=generator) * width
        order = sorted(samples, key=function)[: params.elite]
        best = min(best, function(order[0]))
        squares = sum(w * (s - mean) ** 2 for w, s in zip(weights, order, strict=True)) / weights.sum()
        width = params.memory * width + (1 - params.memory) * squares.sqrt()
        mean = sum(w * s for w, s in zip(weights, order, strict=True)) / weights.sum()
    return best


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_equals_the_slow_search(seed):
    generator = torch.Generator().manual_seed(seed)
    centre, starts = torch.randn(1, 2, generator=generator), torch.randn(5, 2, generator=generator)
    params, spread = settings_of(kept=1, rounds=4), torch.tensor([0.5, 0.3])
    found = cross_entropy_search(bowls(centre), starts, spread, 1, params, torch.Generator().manual_seed(1))

    def function(point):
        return float(bowls(centre)(point[None, None]))

    expected = slowly(function, starts, spread, params, torch.Generator().manual_seed(1))
    assert float(found.values.amin()) == expected or abs(float(found.values.amin()) - expected) < 1e-6
    torch.testing.assert_close(found.values, bowls(centre)(found.points))


def test_finds_the_least_value_of_each_image_from_far_starts():
    centres = torch.tensor([[1.0, -2.0], [-3.0, 0.5], [0.2, 0.1]])
    starts = torch.tensor([[0.0, 0.0], [4.0, 4.0], [-4.0, 1.0]])
    params = settings_of(kept=2, rounds=15, samples=20, elite=5)
    found = cross_entropy_search(bowls(centres), starts, torch.ones(2), 3, params, torch.Generator().manual_seed(0))
    best = found.points[torch.arange(3), found.values.argmin(1)]
    torch.testing.assert_close(best, centres, atol=0.05, rtol=0)
    assert found.points.shape == (3, 3 + 15 * 2 * 20, 2)


def test_other_images_change_nothing():
    centres = torch.tensor([[1.0, -2.0], [-3.0, 0.5]])
    starts, params = torch.zeros(1, 2), settings_of(kept=3, rounds=5)
    together = cross_entropy_search(bowls(centres), starts, torch.ones(2), 2, params, torch.Generator().manual_seed(0))
    for image in range(2):
        one = bowls(centres[image : image + 1])
        alone = cross_entropy_search(one, starts, torch.ones(2), 1, params, torch.Generator().manual_seed(0))
        assert torch.equal(alone.points[0], together.points[image])
        assert torch.equal(alone.values[0], together.values[image])

"""The bootstrap over images against loops, against all draws of small categories, and on data of known truth."""

import itertools
import tracemalloc
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.reporting.bootstrap import Interval, PairDifferences, paired_bootstrap, replicate_means

SEEDS = st.integers(0, 2**31)


def make_pairs(rows):
    """Pairs from rows (source, target, difference)."""
    source, target, difference = zip(*rows, strict=True)
    return PairDifferences(np.array(source), np.array(target), np.array(difference, dtype=np.float64))


def draw_graph(rng, images, pairs):
    """Different ordered pairs of different images."""
    source, other = np.divmod(rng.permutation(images * (images - 1))[:pairs], images - 1)
    return source, other + (other >= source)


def dyadic(rng, images, pairs, effect, noise):
    """difference = a_source + b_target + noise, with means of 0; `effect` is the standard deviation of a and of b."""
    source, target = draw_graph(rng, images, pairs)
    a, b = rng.normal(0, effect, (2, images))
    return PairDifferences(source, target, a[source] + b[target] + rng.normal(0, noise, pairs))


def reference_mean(rows, drawn):
    """Mean over the pairs of a list of drawn images, each copy of the source with each copy of the target.

    A pair of an image with itself comes once with each copy. None where there is no pair.
    """
    values = []
    for source, target, difference in rows:
        for i, first in enumerate(drawn):
            for j, second in enumerate(drawn):
                if (first, second) == (source, target) and (source != target or i == j):
                    values.append(difference)
    return sum(values) / len(values) if values else None


def exact_distribution(rows):
    """All values of a category's mean, sorted, and their probabilities, given that a pair is left."""
    images = sorted({image for source, target, _ in rows for image in (source, target)})
    counts = Counter(reference_mean(rows, drawn) for drawn in itertools.product(images, repeat=len(images)))
    del counts[None]
    values = np.array(sorted(counts))
    weights = np.array([counts[value] for value in values.tolist()])
    return values, weights / weights.sum()


@st.composite
def drawn_categories(draw):
    images = draw(st.integers(1, 5))
    image = st.integers(0, images - 1)
    rows = draw(st.lists(st.tuples(image, image, st.floats(-1, 1)), min_size=1, max_size=8))
    draws = draw(st.lists(st.lists(image, min_size=images, max_size=images), min_size=1, max_size=4))
    return images, rows, draws


@given(drawn_categories())
def test_weighted_means_equal_a_loop_over_copies(case):
    images, rows, draws = case
    multiplicities = np.array([np.bincount(drawn, minlength=images) for drawn in draws])
    expected = [reference_mean(rows, drawn) for drawn in draws]
    expected = [np.nan if mean is None else mean for mean in expected]
    np.testing.assert_allclose(replicate_means(make_pairs(rows), multiplicities), expected, rtol=1e-12, atol=1e-15)


PATH = [(0, 1, 0.3), (1, 2, -0.8), (2, 1, 0.1)]
"""Without its middle image, which 1 in 3 draws miss, no pair is left."""
STAR = [(0, 1, 0.9), (2, 0, 0.2), (0, 3, -0.4)]
COMPLETE = [(i, j, float(np.sin(5 * i + 2 * j))) for i in range(4) for j in range(4) if i != j]
LOOPS = [(0, 0, 0.5), (1, 1, -1.0), (0, 1, 0.2), (2, 0, 0.6)]
ALONE = [(7, 3, 0.25)]


@pytest.mark.parametrize(
    "categories",
    [[PATH], [STAR], [COMPLETE], [LOOPS], [COMPLETE, PATH], [STAR, ALONE, LOOPS]],
    ids=["path", "star", "complete", "loops", "two", "three"],
)
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_is_that_of_all_possible_draws(categories, level):
    """The ends have the exact distribution's tail probabilities, up to the error of 20,000 replicates."""
    interval = paired_bootstrap(list(map(make_pairs, categories)), 20_000, level, np.random.default_rng(3))
    values, weights = np.zeros(1), np.ones(1)
    for rows in categories:
        more, probabilities = exact_distribution(rows)
        values = np.add.outer(values, more / len(categories)).ravel()
        weights = np.multiply.outer(weights, probabilities).ravel()
    for end, share in [(interval.low, (1 - level) / 2), (interval.high, (1 + level) / 2)]:
        below, up_to = weights[values < end - 1e-9].sum(), weights[values <= end + 1e-9].sum()
        error = 4 * np.sqrt(share * (1 - share) / 20_000)
        assert below <= share + error and up_to >= share - error
    expected = np.mean([np.mean([difference for *_, difference in rows]) for rows in categories])
    assert interval.difference == pytest.approx(expected)


def iid_interval(rng, categories, replicates):
    """Interval of a bootstrap that takes the pairs of a category for independent."""
    means = [c.difference[rng.integers(len(c.source), size=(replicates, len(c.source)))].mean(1) for c in categories]
    return np.quantile(np.mean(means, axis=0), [0.025, 0.975])


@pytest.mark.parametrize("count, images, pairs", [(1, 40, 300), (1, 25, 300), (3, 25, 150)])
def test_interval_covers_the_truth_where_one_over_pairs_does_not(count, images, pairs):
    """Images with effects as large as the noise. Half the width of an ideal interval is 1.96 standard deviations."""
    rng = np.random.default_rng(11)
    trials = 400
    covered, covered_by_iid, width = 0, 0, []
    for _ in range(trials):
        categories = [dyadic(rng, images, pairs, effect=1.0, noise=1.0) for _ in range(count)]
        interval = paired_bootstrap(categories, 300, 0.95, rng)
        low, high = iid_interval(rng, categories, 200)
        covered += interval.contains_zero
        covered_by_iid += low <= 0 <= high
        # The coefficient of an image's effect is its number of pairs in that role over all pairs.
        squares = [np.square(np.bincount(side)).sum() for c in categories for side in (c.source, c.target)]
        deviation = np.sqrt(sum(squares) + count * pairs) / (count * pairs)
        width.append((interval.high - interval.low) / (2 * 1.96 * deviation))
    assert covered / trials >= 0.92
    assert covered_by_iid / trials < 0.7
    assert 0.9 < np.mean(width) < 1.25


def test_interval_of_independent_pairs_is_too_wide_by_the_square_root_of_three():
    """The factor is the price of drawing images. An ideal interval of 300 pairs is 2 * 1.96 / sqrt(300) wide."""
    rng = np.random.default_rng(5)
    intervals = [paired_bootstrap([dyadic(rng, 40, 300, 0.0, 1.0)], 500, 0.95, rng) for _ in range(60)]
    width = np.mean([interval.high - interval.low for interval in intervals])
    assert width / (2 * 1.96 / np.sqrt(300)) == pytest.approx(np.sqrt(3), rel=0.08)


def test_interval_follows_a_shift_that_is_the_same_in_all_pairs():
    pairs = dyadic(np.random.default_rng(0), 20, 100, 1.0, 1.0)
    shifted = pairs._replace(difference=pairs.difference + 10.0)
    near, far = (paired_bootstrap([p], 200, 0.95, np.random.default_rng(1)) for p in (pairs, shifted))
    assert far == pytest.approx(np.add(near, 10.0))
    assert near.contains_zero and not far.contains_zero


@settings(max_examples=25)
@given(seed=SEEDS, count=st.integers(1, 4))
def test_interval_depends_on_generator_and_pairs_alone(seed, count):
    """Neither the order of the pairs nor which image is the source nor the images' numbers change the interval."""
    rng = np.random.default_rng(seed)
    categories = [dyadic(rng, 12, 40, 1.0, 1.0) for _ in range(count)]
    orders = [rng.permutation(40) for _ in categories]
    shuffled = [PairDifferences(*(c[order] for c in pairs)) for pairs, order in zip(categories, orders, strict=True)]
    turned = [PairDifferences(c.target, c.source, c.difference) for c in categories]
    renumbered = [PairDifferences(3 * c.source + 5, 3 * c.target + 5, c.difference) for c in categories]
    first = paired_bootstrap(categories, 100, 0.9, np.random.default_rng(seed))
    assert first == paired_bootstrap(categories, 100, 0.9, np.random.default_rng(seed))
    assert first != paired_bootstrap(categories, 100, 0.9, np.random.default_rng(seed + 1))
    assert first.low < first.high
    for same in (shuffled, turned, renumbered):
        interval = paired_bootstrap(same, 100, 0.9, np.random.default_rng(seed))
        np.testing.assert_allclose(interval, first, rtol=1e-9, atol=1e-12)


@settings(max_examples=25)
@given(seed=SEEDS)
def test_exchange_of_the_methods_flips_the_interval(seed):
    pairs = dyadic(np.random.default_rng(seed), 12, 40, 1.0, 1.0)
    there = paired_bootstrap([pairs], 150, 0.95, np.random.default_rng(seed))
    back = paired_bootstrap([pairs._replace(difference=-pairs.difference)], 150, 0.95, np.random.default_rng(seed))
    np.testing.assert_allclose(back, [-there.difference, -there.high, -there.low], rtol=1e-9, atol=1e-12)


def test_categories_count_the_same_however_many_pairs_they_have():
    rng = np.random.default_rng(2)
    sizes = [(30, 400), (6, 10)]
    constant = [
        PairDifferences(*draw_graph(rng, *size), np.full(size[1], value))
        for size, value in zip(sizes, [0.5, -0.1], strict=True)
    ]
    assert paired_bootstrap(constant, 100, 0.95, rng) == pytest.approx((0.2, 0.2, 0.2))


def test_a_higher_level_gives_a_wider_interval():
    pairs = dyadic(np.random.default_rng(4), 20, 100, 1.0, 1.0)
    narrow, wide = (paired_bootstrap([pairs], 500, level, np.random.default_rng(0)) for level in (0.5, 0.99))
    assert wide.low < narrow.low < narrow.difference < narrow.high < wide.high


def test_methods_with_the_same_scores_differ_by_exactly_zero():
    rng = np.random.default_rng(6)
    same = [PairDifferences(*draw_graph(rng, 10, 30), np.zeros(30)) for _ in range(3)]
    interval = paired_bootstrap(same, 100, 0.95, rng)
    assert interval == (0.0, 0.0, 0.0) and interval.contains_zero


@pytest.mark.parametrize("low, high, contains", [(-1, 1, True), (0, 1, True), (-1, 0, True), (1, 2, False)])
def test_the_ends_belong_to_the_interval(low, high, contains):
    assert Interval(0.5, low, high).contains_zero is contains
    assert Interval(-0.5, -high, -low).contains_zero is contains


def test_memory_does_not_grow_with_the_table_of_all_weights():
    """900 pairs times 2000 replicates are 14 MB for a single table."""
    pairs = dyadic(np.random.default_rng(8), 60, 900, 1.0, 1.0)
    tracemalloc.start()
    paired_bootstrap([pairs], 2000, 0.95, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6


EMPTY = PairDifferences(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64), np.zeros(0))
PAIRS = make_pairs(COMPLETE)


@pytest.mark.parametrize(
    "categories, replicates, level, message",
    [
        ([], 10, 0.95, "one or more categories; found none"),
        ([PAIRS, EMPTY], 10, 0.95, "Category 1 needs one or more pairs.*found 0, 0 and 0"),
        ([PAIRS._replace(difference=np.ones(1))], 10, 0.95, "Category 0 .*found 12, 12 and 1"),
        ([PAIRS._replace(difference=np.full(12, np.nan))], 10, 0.95, "Category 0 has 12 pairs .*not a finite"),
        ([PAIRS], 0, 0.95, "replicates, such as 2000; found 0"),
        ([PAIRS], 10, 0.0, "between 0 and 1, such as 0.95; found 0.0"),
        ([PAIRS], 10, 1.0, "found 1.0"),
        ([PAIRS], 10, 95.0, "found 95.0"),
        ([PAIRS], 10, float("nan"), "found nan"),
    ],
)
def test_bad_arguments_are_named(categories, replicates, level, message):
    with pytest.raises(InputError, match=message):
        paired_bootstrap(categories, replicates, level, np.random.default_rng(0))

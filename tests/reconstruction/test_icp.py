"""Iterative closest points: known transforms are found, and the scale does not collapse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from pipeline.base.errors import InputError
from pipeline.reconstruction.icp import icp
from pipeline.reconstruction.similarity import fit_similarity
from support.solids import IDENTITY, SEEDS, VECTORS, assert_same, family, l_shape, sampled, similarity, tilt


@settings(max_examples=12)
@given(SEEDS, VECTORS, st.floats(0.9, 1.1), VECTORS, st.booleans())
def test_icp_finds_the_very_transform_of_the_same_points(seed, axis, scale, shift, with_scale):
    points = sampled(l_shape(), 300, seed)
    start = similarity(scale if with_scale else 1.0, tilt(axis, 12), 0.03 * np.array(shift))
    found = icp(points, start.apply(points), IDENTITY, with_scale, 100, 0.05)
    assert_same(found, start, 1e-9)


@pytest.mark.parametrize("initial", [0.3, 0.5, 0.7, 2.0])
def test_the_scale_does_not_collapse(initial):
    source, target = sampled(family("chair", 0), 800, 1), sampled(family("chair", 0), 800, 2)
    assert icp(source, target, IDENTITY._replace(scale=initial), True, 100, 0.05).scale == pytest.approx(1, abs=0.03)


def test_the_second_direction_is_what_holds_the_scale():
    """The first one alone, from the same start, puts all of the source into one place of the target."""
    source, target = sampled(family("chair", 0), 800, 1), sampled(family("chair", 0), 800, 2)
    tree, one_way = cKDTree(target), IDENTITY._replace(scale=0.5)
    for _ in range(100):
        one_way = fit_similarity(source, target[tree.query(one_way.apply(source))[1]], True)
    assert one_way.scale < 0.1


def test_much_trimming_does_not_free_the_scale():
    source, target = sampled(l_shape(), 400, 1), sampled(l_shape(), 400, 2)
    assert icp(source, target, IDENTITY._replace(scale=0.6), True, 100, 0.5).scale > 0.8


def test_outliers_are_trimmed():
    """Nineteen in twenty points agree; the others lie off to one side of the target."""
    points = sampled(l_shape(), 380)
    target = np.concatenate([points, np.random.default_rng(1).uniform(-0.1, 0.1, (20, 3)) + [2.0, 0, 0]])
    start = similarity(1.0, tilt((0, 0, 1), 5), (0.02, 0, 0))
    assert_same(icp(start.apply(points), target, IDENTITY, False, 100, 0.05).after(start), IDENTITY, 1e-9)
    untrimmed = icp(start.apply(points), target, IDENTITY, False, 100, 0.0).after(start)
    assert np.abs(untrimmed.apply(points) - points).max() > 0.02


def test_a_rigid_refinement_keeps_the_initial_scale():
    source, target = sampled(l_shape(), 200, 1), sampled(l_shape(), 200, 2)
    assert icp(source, target, IDENTITY._replace(scale=1.3), False, 20, 0.05).scale == pytest.approx(1.3, rel=1e-12)
    assert icp(source, target, IDENTITY, True, 0, 0.05) == IDENTITY


def test_icp_stops_when_steps_have_become_small(monkeypatch):
    """Where it stops, more iterations change nothing; without the rule they would, by less than 1 % of the scale."""
    source, target = sampled(family("chair", 1), 800), sampled(family("chair", 0), 800)
    stopped = icp(source, target, IDENTITY, True, 150, 0.05)
    assert_same(icp(source, target, IDENTITY, True, 300, 0.05), stopped, 0)
    monkeypatch.setattr("pipeline.reconstruction.icp.CONVERGED", 0.0)
    limit = icp(source, target, IDENTITY, True, 300, 0.05)
    assert 1e-6 < abs(limit.scale - stopped.scale) < 0.01


def test_icp_names_what_is_wrong():
    points = sampled(l_shape(), 10)
    with pytest.raises(InputError, match="both sets"):
        icp(points, points[:0], IDENTITY, True, 5, 0.05)
    with pytest.raises(InputError, match="0.05"):
        icp(points, points, IDENTITY, True, 5, 1.0)

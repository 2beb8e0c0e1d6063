"""Pose errors against scipy's rotations, symmetric objects, and the one turn that a model's frame may take."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from pipeline.base.errors import InputError
from pipeline.evaluation.pose_error import image_errors, pose_errors
from pipeline.photographs.cameras import object_rotation

SEEDS = st.integers(0, 2**31)
FOLDS = st.sampled_from([0, 1, 2, 4])
TURNS = st.sampled_from([0, 90, 180, 270])
TOLERANCE = 1e-5
"""Degrees: arccos near 1 makes about 1e-6 of the rounding in double precision."""


def views(*angles):
    """One rotation for each (azimuth, elevation, theta)."""
    return np.stack([object_rotation(*angle) for angle in angles])


def random_views(seed, count):
    return Rotation.random(count, random_state=np.random.default_rng(seed)).as_matrix()


def about_up(degrees):
    return Rotation.from_euler("y", degrees, degrees=True).as_matrix()


def angle(a, b):
    return math.degrees((Rotation.from_matrix(a).inv() * Rotation.from_matrix(b)).magnitude())


def reference_errors(predicted, annotated, fold):
    """A loop over images and over the orientations that look the same; without a front, over a turn of the circle."""
    yaws = [360 * m / fold for m in range(fold)] if fold else range(360)
    return [min(angle(p @ about_up(yaw), a) for yaw in yaws) for p, a in zip(predicted, annotated, strict=True)]


def test_errors_of_hand_made_rotations():
    annotated = views((30, 10, 0), (30, 0, 0), (30, 0, 0), (0, 90, 0), (350, 0, 0))
    predicted = views((30, 10, 0), (30, 0, -25), (120, 0, 0), (0, 45, 0), (20, 0, 0))
    np.testing.assert_allclose(image_errors(predicted, annotated, 1), [0, 25, 90, 45, 30], atol=TOLERANCE)
    np.testing.assert_allclose(image_errors(predicted, annotated, 2), [0, 25, 90, 45, 30], atol=TOLERANCE)
    np.testing.assert_allclose(image_errors(predicted, annotated, 4), [0, 25, 0, 45, 30], atol=TOLERANCE)
    np.testing.assert_allclose(image_errors(predicted, annotated, 0), [0, 25, 0, 45, 0], atol=TOLERANCE)


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([1, 2, 4]))
def test_errors_against_the_reference(seed, fold):
    predicted, annotated = random_views(seed, 4), random_views(seed + 1, 4)
    expected = reference_errors(predicted, annotated, fold)
    np.testing.assert_allclose(image_errors(predicted, annotated, fold), expected, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(3))
def test_without_a_front_the_error_is_the_smallest_over_all_turns(seed):
    """The reference's turns are 1 degree apart, so at most half a degree from the best one."""
    predicted, annotated = random_views(seed, 3), random_views(seed + 100, 3)
    above = reference_errors(predicted, annotated, 0) - image_errors(predicted, annotated, 0)
    assert (above > -TOLERANCE).all() and (above < 0.5).all()


@settings(max_examples=40)
@given(SEEDS, FOLDS)
def test_a_rotation_has_no_error_against_itself_and_errors_are_symmetric(seed, fold):
    a, b = random_views(seed, 5), random_views(seed + 1, 5)
    np.testing.assert_allclose(image_errors(a, a, fold), 0, atol=TOLERANCE)
    np.testing.assert_allclose(image_errors(a, b, fold), image_errors(b, a, fold), atol=TOLERANCE)


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 6))
def test_more_symmetry_leaves_no_more_error(seed, count):
    a, b = random_views(seed, count), random_views(seed + 1, count)
    errors = [image_errors(a, b, fold) for fold in (1, 2, 4, 0)]
    assert all((more <= less + TOLERANCE).all() for less, more in itertools.pairwise(errors))


@settings(max_examples=40)
@given(SEEDS, st.sampled_from([(0, 37.0), (2, 180.0), (4, 90.0), (4, 270.0)]))
def test_equal_orientations_have_equal_errors(seed, symmetry):
    fold, yaw = symmetry
    a, b = random_views(seed, 5), random_views(seed + 1, 5)
    np.testing.assert_allclose(image_errors(a @ about_up(yaw), b, fold), image_errors(a, b, fold), atol=TOLERANCE)


@settings(max_examples=40)
@given(SEEDS, FOLDS, st.integers(1, 8))
def test_summaries_against_the_reference(seed, fold, count):
    """All four turns are tried here, also those that are equal for the object."""
    predicted, annotated = random_views(seed, count), random_views(seed + 1, count)
    found = pose_errors(predicted, annotated, fold)
    for summary, turns in ((found.raw, [0]), (found.aligned, [0, 90, 180, 270])):
        tried = [image_errors(predicted @ about_up(turn), annotated, fold) for turn in turns]
        best = min(tried, key=np.median)
        assert summary.median == pytest.approx(np.median(best), abs=TOLERANCE)
        assert summary.mean == pytest.approx(sum(best) / count, abs=TOLERANCE)
        assert summary.within_30 == sum(error < 30 for error in best) / count


@settings(max_examples=40)
@given(SEEDS, FOLDS, TURNS, st.integers(1, 8))
def test_a_constant_quarter_turn_of_the_model_does_not_change_the_aligned_errors(seed, fold, yaw, count):
    predicted, annotated = random_views(seed, count), random_views(seed + 1, count)
    before, after = (pose_errors(p, annotated, fold) for p in (predicted, predicted @ about_up(yaw)))
    assert after.aligned == pytest.approx(before.aligned, abs=TOLERANCE)
    # A right-handed turn about the up axis takes from the azimuth what `turn` adds to it.
    assert (after.turn - yaw - before.turn) % (360 // (fold or 4)) == 0


@settings(max_examples=40)
@given(TURNS, st.floats(0, 360), st.floats(-80, 80), st.floats(-80, 80))
def test_the_turn_is_what_is_added_to_the_azimuth(turn, azimuth, elevation, theta):
    annotated = views((azimuth, elevation, theta), (azimuth + 70, 5, 0), (azimuth + 200, 0, -10))
    predicted = views((azimuth - turn, elevation, theta), (azimuth + 70 - turn, 5, 0), (azimuth + 200 - turn, 0, -10))
    found = pose_errors(predicted, annotated, 1)
    assert found.turn == turn
    assert found.raw.median == pytest.approx(min(turn, 360 - turn), abs=TOLERANCE)
    assert found.aligned == pytest.approx((0, 0, 1), abs=TOLERANCE)


def test_a_summary_by_hand():
    """Errors of 0, 9, 11, 29 and 31 degrees; then three of five images that a half turn puts right."""
    annotated = views(*[(0, 0, 0)] * 5)
    found = pose_errors(views(*[(azimuth, 0, 0) for azimuth in (0, 9, -11, 29, -31)]), annotated, 1)
    assert found.raw == found.aligned == pytest.approx((11, 16, 0.8))
    assert found.turn == 0
    mixed = pose_errors(views(*[(azimuth, 0, 0) for azimuth in (0, 0, 180, 180, 180)]), annotated, 1)
    assert mixed.raw == pytest.approx((180, 108, 0.4))
    assert mixed.aligned == pytest.approx((0, 72, 0.6), abs=TOLERANCE)
    assert mixed.turn == 180


def test_equal_medians_are_told_apart_by_the_mean():
    """Three of five objects lie upside down, 180 degrees off whatever the turn; the others lack 270 degrees."""
    annotated = views((10, 0, 0), (75, 20, 0), (200, -5, 0), (0, 0, 0), (50, 30, 10))
    wrong = views((10, 0, 180), (75, -20, 180), (200, 5, 180), (90, 0, 0), (140, 30, 10))
    found = pose_errors(wrong, annotated, 1)
    assert found.turn == 270
    assert found.raw == pytest.approx((180, (3 * 180 + 2 * 90) / 5, 0))
    assert found.aligned == pytest.approx((180, 3 * 180 / 5, 0.4))


def test_single_precision_costs_hundredths_of_a_degree():
    rotations = random_views(0, 200)
    assert image_errors(rotations.astype(np.float32), rotations, 1).max() < 0.05


@pytest.mark.parametrize("fold", [-1, 3, 8])
def test_unknown_symmetries_are_an_error(fold):
    with pytest.raises(InputError, match="fold"):
        pose_errors(views((0, 0, 0)), views((0, 0, 0)), fold)


def test_no_image_is_an_error():
    with pytest.raises(InputError, match="none"):
        pose_errors(np.zeros((0, 3, 3)), np.zeros((0, 3, 3)), 1)

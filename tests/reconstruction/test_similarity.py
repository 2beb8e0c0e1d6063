"""The closest similarity between corresponding points, against exact answers and numerical minima."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from pipeline.reconstruction.similarity import fit_similarity
from support.solids import SCALES, SEEDS, VECTORS, assert_same, similarity


def squares(transform, source, target):
    return float(np.square(transform.apply(source) - target).sum())


@given(SEEDS, SCALES, VECTORS)
def test_exact_correspondences_give_the_exact_transform(seed, scale, translation):
    rng = np.random.default_rng(seed)
    expected = similarity(scale, Rotation.random(rng=rng), translation)
    source = rng.normal(size=(rng.integers(4, 30), 3))
    assert_same(fit_similarity(source, expected.apply(source), True), expected, 1e-9)


@settings(max_examples=8)
@given(SEEDS, st.booleans())
def test_the_closed_form_is_as_good_as_a_numerical_minimum(seed, with_scale):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(2, 12, 3)) + rng.normal(size=(2, 1, 3))

    def unpacked(x):
        return similarity(x[6] if with_scale else 1.0, Rotation.from_rotvec(x[:3]), x[3:6])

    starts = Rotation.create_group("O").as_rotvec()[::6]
    best = min(
        least_squares(
            lambda x: (unpacked(x).apply(source) - target).ravel(),
            [*start, 0, 0, 0, 1],
            bounds=([-10] * 6 + [0], [10] * 7),
        ).cost
        for start in starts
    )
    found = fit_similarity(source, target, with_scale)
    assert squares(found, source, target) <= 2 * best + 1e-9
    assert with_scale or found.scale == 1


@given(SEEDS)
def test_the_rotation_is_that_of_wahbas_problem(seed):
    source, target = np.random.default_rng(seed).normal(size=(2, 10, 3))
    expected, _ = Rotation.align_vectors(target - target.mean(0), source - source.mean(0))
    for with_scale in (False, True):
        np.testing.assert_allclose(fit_similarity(source, target, with_scale).rotation, expected.as_matrix(), atol=1e-6)


@given(SEEDS)
def test_a_mirrored_target_is_met_by_a_proper_rotation(seed):
    source = np.random.default_rng(seed).normal(size=(20, 3))
    found = fit_similarity(source, source * [-1, 1, 1], True)
    assert np.linalg.det(found.rotation) == pytest.approx(1)
    assert 0 < found.scale < 1


@given(SEEDS, SCALES, VECTORS)
def test_points_in_a_plane_determine_the_transform(seed, scale, translation):
    rng = np.random.default_rng(seed)
    expected = similarity(scale, Rotation.random(rng=rng), translation)
    source = rng.normal(size=(10, 3)) * [1, 1, 0]
    assert_same(fit_similarity(source, expected.apply(source), True), expected, 1e-8)


@given(SEEDS, SCALES)
def test_points_on_a_line_are_matched_by_some_proper_rotation(seed, scale):
    rng = np.random.default_rng(seed)
    source = np.linspace(-1, 1, 6)[:, None] * rng.normal(size=3) + rng.normal(size=3)
    target = similarity(scale, Rotation.random(rng=rng), rng.normal(size=3)).apply(source)
    found = fit_similarity(source, target, True)
    np.testing.assert_allclose(found.apply(source), target, atol=1e-9)
    assert np.linalg.det(found.rotation) == pytest.approx(1)


@pytest.mark.parametrize("point", [[0.0, 0.0, 0.0], [0.1, 1e6, -0.3]])
def test_coincident_points_keep_the_scale_and_meet_the_mean(point):
    source, target = np.tile(point, (7, 1)), np.random.default_rng(0).normal(size=(7, 3))
    found = fit_similarity(source, target, True)
    assert found.scale == 1 and np.linalg.det(found.rotation) == pytest.approx(1)
    np.testing.assert_allclose(found.apply(source).mean(0), target.mean(0), atol=1e-8)
    assert fit_similarity(target, source * 0, True).scale == 0


def test_transforms_are_composed_from_right_to_left():
    rng = np.random.default_rng(1)
    first, second = (similarity(s, Rotation.random(rng=rng), rng.normal(size=3)) for s in (0.5, 3.0))
    points = rng.normal(size=(5, 3))
    np.testing.assert_allclose(second.after(first).apply(points), second.apply(first.apply(points)))

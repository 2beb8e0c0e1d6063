"""Probabilities of matches where the truth is known."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.confidence.calibration import Calibration, fit_calibration, read_calibrations, write_calibrations
from pipeline.confidence.signs import Signs, find_signs
from pipeline.evaluation.reliability import reliability
from pipeline.matching.methods import project_and_search
from pipeline.matching.queries import Queries
from support.made_images import make_image
from support.scored_world import seen
from support.tiny import tiny_params

COUNT = len(Signs._fields)


def made_matches(count, seed):
    """Signs, true probabilities and what was drawn by them."""
    rng = np.random.default_rng(seed)
    signs = rng.normal(2.0, 3.0, (count, COUNT))
    true = 1 / (1 + np.exp(-(signs[:, 0] - 2 * signs[:, 3] + 3) / 4))
    return signs, true, rng.random(count) < true


def test_probabilities_that_matches_were_drawn_by_are_found():
    calibration = fit_calibration(*made_matches(4000, seed=0)[::2])
    signs, true, right = made_matches(4000, seed=1)
    found = calibration.probability(signs)
    assert np.abs(found - true).mean() < 0.03
    assert reliability(found, right).calibration_error < 0.04


def test_a_sign_that_never_varies_says_nothing():
    signs, _, right = made_matches(200, seed=0)
    signs[:, 5] = 0.0
    calibration = fit_calibration(signs, right)
    assert calibration.weights[5] == 0
    assert np.isfinite(calibration.probability(signs)).all()


@pytest.mark.parametrize("right", [[], [True] * 5, [False] * 5])
def test_nothing_is_learned_where_nothing_differs(right):
    assert fit_calibration(np.zeros((len(right), COUNT)), np.array(right, dtype=bool)) is None


@settings(max_examples=20, deadline=None)
@given(arrays(np.float64, (7, COUNT), elements=st.floats(-1e6, 1e6)), st.permutations(range(7)))
def test_probabilities_do_not_depend_on_the_batch(signs, order):
    calibration = fit_calibration(*made_matches(50, seed=0)[::2])
    whole = calibration.probability(signs)
    assert ((whole >= 0) & (whole <= 1)).all()
    assert np.array_equal(calibration.probability(signs[order]), whole[order])
    assert np.array_equal(np.concatenate([calibration.probability(row[None]) for row in signs]), whole)


def pairs_among(images, shears, wrong, seed):
    """Signs of matches between images, and whether each match is right."""
    rng = np.random.default_rng(seed)
    canonical = rng.uniform(0.2, 0.8, (6, 2))
    points = torch.from_numpy(np.concatenate([seen(canonical, shear) for shear in shears]))
    source = torch.arange(len(images)).repeat_interleave(6)
    target = torch.arange(len(images)).repeat(len(source))
    queries = Queries(target, torch.arange(len(source)).repeat_interleave(len(images)), source, points)
    found = project_and_search(queries, images, tiny_params().correspondence)
    truth = points.reshape(len(images), 6, 2)[target, queries.point % 6]
    right = (found - truth).norm(dim=-1) <= 0.1 / 1.2
    spoiled = wrong[source[queries.point].numpy()] | wrong[target.numpy()]
    return torch.stack(find_signs(queries, images, {"": found})[""], -1).numpy(), right.numpy(), spoiled


def test_matches_through_a_wrong_pose_are_not_trusted():
    """A third of the meshes are upside down; which ones is learned from other images."""
    halves = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        shears, wrong = rng.uniform(-0.06, 0.06, 9), np.arange(9) % 3 == 2
        images = [
            make_image(shear, bool(w), seed=100 * seed + n)
            for n, (shear, w) in enumerate(zip(shears, wrong, strict=True))
        ]
        halves.append(pairs_among(images, shears, wrong, seed))
    (signs, right, _), (other, truth, spoiled) = halves
    probability = fit_calibration(signs, right).probability(other)
    assert 0.3 < truth.mean() < 0.8
    assert probability[truth].mean() > 0.85
    assert probability[~truth].mean() < 0.15
    assert probability[spoiled].mean() < 0.5 < probability[~spoiled].mean()
    measured = reliability(probability, truth)
    assert measured.calibration_error < 0.05
    assert measured.risk_area < 0.5 * (1 - truth.mean())


@pytest.fixture
def written(tmp_path):
    calibration = fit_calibration(*made_matches(50, seed=0)[::2])
    write_calibrations(tmp_path / "calibration.json", {"search": calibration})
    write_checksums(tmp_path)
    return tmp_path / "calibration.json", calibration


def test_files_survive_reading(written):
    path, calibration = written
    ((method, found),) = read_calibrations(path).items()
    assert method == "search"
    for a, b in zip(found, calibration, strict=True):
        assert np.array_equal(a, b)


@pytest.mark.parametrize(
    ("old", "new"), [('"cycle"', '"circle"'), ('"bias"', '"basis"'), ('"scale": ', '"scale": -'), ("{", "[")]
)
def test_damaged_files_are_named(written, old, new):
    path, _ = written
    path.write_text(path.read_text().replace(old, new))
    write_checksums(path.parent)
    with pytest.raises(InputError, match=r"calibration\.json"):
        read_calibrations(path)


def test_a_missing_file_names_the_stage(tmp_path):
    with pytest.raises(InputError, match="Run the stage `evaluate`"):
        read_calibrations(tmp_path / "calibration.json")


def test_certainty_needs_no_more_than_a_large_score():
    sure = Calibration(np.zeros(COUNT), np.ones(COUNT), np.full(COUNT, 1e3), 0.0)
    assert sure.probability(np.array([[1.0] * COUNT, [-1.0] * COUNT])).tolist() == [1.0, 0.0]

"""Pose labels: angular noise, flips and symmetry folds as declared."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.label_params import SimulatedPoseParams
from pipeline.labels.poses import PoseLabel, read_pose, write_pose
from pipeline.labels.poses.simulated import SimulatedPoses
from pipeline.photographs.truth import truth_path, write_truth
from support.photographs import make_photo, make_truth

EXACT = SimulatedPoseParams(azimuth_std=0.0, elevation_std=0.0, theta_std=0.0, flip_share=0.0)
COUNT = 400


def simulated(
    root: Path,
    params: SimulatedPoseParams,
    fold: int = 1,
    pose: tuple[float, float, float] = (30.0, 10.0, -5.0),
    count: int = COUNT,
) -> np.ndarray:
    """Labels of `count` images of the same pose, [count, 4]."""
    backend = SimulatedPoses(params, 0)
    photos = [make_photo(str(i), root=root) for i in range(count)]
    first, *others = (truth_path(photo.path) for photo in photos)
    write_truth(first, make_truth(fold, pose))
    for path in others:
        path.symlink_to(first)
    return np.array([backend.pose(photo) for photo in photos], dtype=float)


def wrapped(degrees: np.ndarray) -> np.ndarray:
    return (degrees + 180) % 360 - 180


def test_without_errors_label_is_truth(tmp_path: Path) -> None:
    labels = simulated(tmp_path, EXACT, count=3)
    np.testing.assert_allclose(labels, [[30, 10, -5, 1]] * 3, atol=1e-9)


def test_angular_noise_has_declared_spread_and_wraps(tmp_path: Path) -> None:
    params = SimulatedPoseParams(azimuth_std=10.0, elevation_std=6.0, theta_std=4.0, flip_share=0.0)
    labels = simulated(tmp_path, params, pose=(2.0, 10.0, 179.0))
    for column, true, std in [(0, 2.0, 10.0), (1, 10.0, 6.0), (2, 179.0, 4.0)]:
        error = wrapped(labels[:, column] - true)
        assert error.std() == pytest.approx(std, rel=0.1)
        assert error.mean() == pytest.approx(0, abs=4 * std / np.sqrt(COUNT))
    assert (labels[:, 0] >= 0).all() and (labels[:, 0] < 360).all() and labels[:, 0].max() > 350
    assert (labels[:, 2] >= -180).all() and (labels[:, 2] < 180).all() and labels[:, 2].min() < -170


def test_elevation_stays_between_the_poles(tmp_path: Path) -> None:
    params = SimulatedPoseParams(azimuth_std=0.0, elevation_std=20.0, theta_std=0.0, flip_share=0.0)
    assert simulated(tmp_path, params, pose=(0.0, 85.0, 0.0), count=50)[:, 1].max() == 90


def test_front_and_back_are_confused_at_declared_rate(tmp_path: Path) -> None:
    params = SimulatedPoseParams(azimuth_std=5.0, elevation_std=0.0, theta_std=0.0, flip_share=0.2)
    error = abs(wrapped(simulated(tmp_path, params)[:, 0] - 30))
    assert (error > 90).mean() == pytest.approx(0.2, abs=0.06)
    assert not ((error > 40) & (error < 140)).any()


@pytest.mark.parametrize("fold", [2, 4])
def test_symmetric_object_shows_each_equivalent_azimuth(tmp_path: Path, fold: int) -> None:
    labels = simulated(tmp_path, EXACT, fold)
    turns = ((labels[:, 0] - 30) % 360) / (360 / fold)
    np.testing.assert_allclose(turns, turns.round(), atol=1e-9)
    shares = np.bincount(turns.round().astype(int) % fold, minlength=fold) / COUNT
    np.testing.assert_allclose(shares, 1 / fold, atol=0.08)
    assert (labels[:, 3] == fold).all()


def test_object_without_preferred_direction_has_any_azimuth(tmp_path: Path) -> None:
    labels = simulated(tmp_path, EXACT, fold=0)
    histogram, _ = np.histogram(labels[:, 0], bins=6, range=(0, 360))
    np.testing.assert_allclose(histogram / COUNT, 1 / 6, atol=0.06)
    np.testing.assert_allclose(labels[:, 1:], [[10, -5, 0]] * COUNT, atol=1e-9)


def test_does_not_depend_on_order(tmp_path: Path) -> None:
    params = SimulatedPoseParams(10.0, 6.0, 4.0, 0.1)
    forwards = simulated(tmp_path, params, count=3)
    backend = SimulatedPoses(params, 0)
    backwards = [backend.pose(make_photo(str(i), root=tmp_path)) for i in (2, 1, 0)][::-1]
    np.testing.assert_array_equal(forwards, np.array(backwards, dtype=float))
    assert (forwards[0] != forwards[1]).any()


def test_file_round_trip_and_missing_file(tmp_path: Path) -> None:
    label = PoseLabel(359.5, -12.25, 3.0, 2)
    write_pose(tmp_path / "a.json", label)
    write_checksums(tmp_path)
    assert read_pose(tmp_path / "a.json") == label
    with pytest.raises(InputError, match=r"b\.json.*stage `poses`"):
        read_pose(tmp_path / "b.json")

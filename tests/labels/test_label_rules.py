"""What no kind of label may be: each is refused where it is written, and names its file; everything else is kept."""

import json
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.components.masked_tokens import foreground_tokens
from pipeline.labels.depth import write_depth
from pipeline.labels.depth.label import label_depth
from pipeline.labels.depth.simulated import SimulatedDepth
from pipeline.labels.failures import memory_errors_named
from pipeline.labels.features import Tokens, write_tokens
from pipeline.labels.features.label import label_features
from pipeline.labels.features.simulated import SimulatedFeatures
from pipeline.labels.masks.label import label_masks
from pipeline.labels.masks.simulated import SimulatedMasks
from pipeline.labels.poses import PoseLabel, turned, write_pose
from pipeline.labels.poses.label import label_poses
from pipeline.labels.poses.simulated import SimulatedPoses
from pipeline.labels.run import Summary
from pipeline.labels.stored import as_half
from pipeline.photographs.lists import write_instances
from pipeline.photographs.photo import Photo
from support.photographs import SHAPE, make_instance, make_photo, make_truth, store
from support.tiny import tiny_params

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(arrays.arrays(np.float32, (3, 4), elements=FLOATS))
def test_numbers_are_stored_in_half_precision_or_refused(values: np.ndarray) -> None:
    with np.errstate(over="ignore"):
        expected = np.array([[np.float16(value) for value in row] for row in values])
    if all(math.isfinite(value) for value in expected.flat):
        np.testing.assert_array_equal(as_half(values, "a.npz"), expected)
    else:
        with pytest.raises(InputError, match=r"^a\.npz: expected finite numbers of at most 65504 \(float16\), found"):
            as_half(values, "a.npz")


def grid(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(4, 4, 3)).astype(np.float32)


def with_value(value: float) -> np.ndarray:
    tokens = grid()
    tokens[2, 1, 0] = value
    return tokens


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (Tokens(with_value(np.nan), None), "a.npz, 'tokens': .* found 1 of 48 that are not, the first of them nan"),
        (Tokens(with_value(-np.inf), None), "the first of them -inf"),
        (Tokens(with_value(1e5), None), "the first of them 100000"),
        (Tokens(grid(), with_value(np.nan)), "a.npz, 'flipped': expected finite"),
        (Tokens(np.zeros((4, 4, 3), np.float32), None), "a.npz, 'tokens': .* the same in all of 4 x 4 patches"),
        (Tokens(np.full((4, 4, 3), 2.5, np.float32), None), "the same in all of 4 x 4 patches"),
        (Tokens(np.tile(np.float32([1, 2, 3]), (4, 4, 1)), None), "the same in all of 4 x 4 patches"),
        (Tokens(grid() * np.float32(1e-9), None), "the same in all of 4 x 4 patches"),
        (Tokens(grid(), np.zeros((4, 4, 3), np.float32)), "a.npz, 'flipped': .* the same in all"),
        (Tokens(grid()[:3], None), r"square grid \[T, T, D\].*found \[3, 4, 3\]"),
        (
            Tokens(grid(), grid()[:, :, :2]),
            r"'flipped' as a square grid.*found \[4, 4, 2\], and 'tokens' is \[4, 4, 3\]",
        ),
        (Tokens(grid()[..., 0], None), r"found \[4, 4\]"),
        (Tokens(grid()[..., :0], None), r"found \[4, 4, 0\]"),
    ],
)
def test_features_of_no_use_are_refused(tmp_path: Path, tokens: Tokens, message: str) -> None:
    with pytest.raises(InputError, match=message):
        write_tokens(tmp_path / "a.npz", tokens)
    assert not list(tmp_path.iterdir())


def test_features_that_are_zero_in_places_are_labels(tmp_path: Path) -> None:
    tokens = np.zeros((4, 4, 3), np.float32)
    tokens[3, 3, 2] = 1
    write_tokens(tmp_path / "a.npz", Tokens(tokens, None))
    np.testing.assert_array_equal(np.load(tmp_path / "a.npz")["tokens"], tokens)


@pytest.mark.parametrize(
    ("disparity", "message"),
    [
        (np.full((3, 4), 7.0), "expected disparities with a relief, found a constant map of 7"),
        (np.zeros((3, 4)), "found a constant map of 0"),
        (1000 + 1e-4 * np.eye(4), "found a constant map of 1000"),
        (np.where(np.eye(4), np.nan, 1.0), "expected finite disparities"),
        (np.where(np.eye(4), np.inf, 1.0), "expected finite disparities"),
        (np.zeros((0, 4)), r"expected a disparity map \[h, w\], found the shape \(0, 4\)"),
        (np.eye(4)[None], r"found the shape \(1, 4, 4\)"),
        (np.arange(4.0), r"found the shape \(4,\)"),
    ],
)
def test_depth_of_no_use_is_refused(tmp_path: Path, disparity: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.npy: .*{message}.*choose another backend"):
        write_depth(tmp_path / "a.npy", disparity.astype(np.float32))
    assert not list(tmp_path.iterdir())


def test_depth_of_any_finite_scale_is_a_label(tmp_path: Path) -> None:
    relief = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    for scale in (1e-30, 1e-3, 1.0, 1e30):
        write_depth(tmp_path / "a.npy", (relief * scale).astype(np.float32))
        label = np.load(tmp_path / "a.npy").astype(float)
        assert label.std() == pytest.approx(1, abs=1e-3)
        assert np.corrcoef(label.ravel(), relief.ravel())[0, 1] > 0.9999


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (PoseLabel(360.0, 0.0, 0.0, 1), r"'azimuth' in \[0, 360\), found 360"),
        (PoseLabel(-1.0, 0.0, 0.0, 1), r"'azimuth' in \[0, 360\), found -1"),
        (PoseLabel(math.nan, 0.0, 0.0, 1), "'azimuth' .* found nan"),
        (PoseLabel(0.0, 90.5, 0.0, 1), r"'elevation' in \[-90, 90\], found 90.5"),
        (PoseLabel(0.0, -math.inf, 0.0, 1), "'elevation' .* found -inf"),
        (PoseLabel(0.0, 0.0, 180.0, 1), r"'theta' in \[-180, 180\), found 180"),
        (PoseLabel(0.0, 0.0, math.nan, 1), "'theta' .* found nan"),
        (PoseLabel(0.0, 0.0, 0.0, 3), "'symmetry' 0, 1, 2 or 4, found 3"),
    ],
)
def test_orientation_of_no_use_is_refused(tmp_path: Path, label: PoseLabel, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.json: expected {message}.*choose another backend"):
        write_pose(tmp_path / "a.json", label)
    assert not list(tmp_path.iterdir())


@given(
    st.floats(-1e6, 1e6),
    st.floats(-90, 90),
    st.floats(-1e6, 1e6),
    st.sampled_from([0, 1, 2, 4]),
)
def test_angles_of_any_number_of_turns_are_a_label(
    azimuth: float, elevation: float, theta: float, symmetry: int
) -> None:
    label = turned(azimuth, elevation, theta, symmetry)
    assert 0 <= label.azimuth < 360 and -180 <= label.theta < 180
    for found, said in ((label.azimuth, azimuth), (label.theta, theta)):
        assert abs((found - said + 180) % 360 - 180) < 1e-6
    assert label[1::2] == (elevation, symmetry)


def test_angles_just_below_a_whole_turn_are_in_range(tmp_path: Path) -> None:
    label = turned(-1e-20, 0.0, -180 - 1e-14, 1)
    assert label == (0.0, 0.0, -180.0, 1)
    write_pose(tmp_path / "a.json", label)
    assert json.loads((tmp_path / "a.json").read_text()) == label._asdict()


LABELS = {
    "masks": (SimulatedMasks, "mask", np.eye(*SHAPE, 200, dtype=bool), label_masks),
    "depth": (SimulatedDepth, "disparity", np.full(SHAPE, 3, np.float32), label_depth),
    "poses": (SimulatedPoses, "pose", PoseLabel(10.0, math.nan, 0.0, 1), label_poses),
    "features": (SimulatedFeatures, "tokens", np.full((8, 8, 32), np.nan, np.float32), None),
}
"""Backend, the method that answers for one photograph, an answer of no use, and the stage, by kind of label."""


def three(root: Path) -> Workspace:
    """A run of three training images: a, b and c."""
    workspace = Workspace(root, tiny_params())
    for name in "abc":
        store(root, make_photo(name), make_truth())
    write_instances(workspace.instances("car"), [make_instance(name) for name in "abc"])
    write_checksums(workspace.instances("car").parent)
    return workspace


def stage(kind: str, workspace: Workspace) -> Summary:
    label = LABELS[kind][3]
    return label(workspace, "car") if label else label_features(workspace, "dinov2", "car")


def contents(folder: Path) -> dict[str, bytes]:
    kept = [path for name in ("labels", "features") for path in (folder / name).rglob("*") if path.is_file()]
    return {path.name: path.read_bytes() for path in kept if path.stem in ("a", "b", "c")}


@pytest.mark.parametrize("kind", list(LABELS))
def test_answer_of_no_use_is_a_recorded_skip_and_costs_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    workspace = three(tmp_path)
    if kind == "poses":
        label_masks(workspace, "car")
    assert stage(kind, workspace).skipped == {}
    whole = contents(tmp_path)
    backend, method, useless, _ = LABELS[kind]
    answer, odd = getattr(backend, method), ["b"]

    def sometimes(self: object, photo: Photo, *others: object) -> object:
        return useless if photo.instance.name in odd else answer(self, photo, *others)

    monkeypatch.setattr(backend, method, sometimes)
    summary = stage(kind, workspace)
    assert summary.done == 2 and list(summary.skipped) == ["b"] and summary.skipped["b"].startswith("b.")
    found = contents(tmp_path)
    assert whole.keys() - found.keys() == {name for name in whole if name.startswith("b.") and name not in found}
    assert found == {name: whole[name] for name in found} and len(found) == len(whole) - 1
    odd += ["a", "c"]
    with pytest.raises(InputError, match=r"none of 3 images could be labelled. The first reason: a\."):
        stage(kind, workspace)


def test_photographs_that_are_too_many_for_the_memory_are_labelled_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = three(tmp_path)
    label_depth(workspace, "car")
    whole, disparities = contents(tmp_path), SimulatedDepth.disparities

    @memory_errors_named
    def greedy(self: SimulatedDepth, photos: Sequence[Photo]) -> list[np.ndarray]:
        if len(photos) > 1:
            raise MemoryError
        return disparities(self, photos)

    monkeypatch.setattr(SimulatedDepth, "disparities", greedy)
    assert label_depth(workspace, "car").skipped == {}
    assert contents(tmp_path) == whole and len(whole) == 3


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (np.full((8, 8, 32), np.nan, np.float16), r"b\.npz: expected patch features, arrays .* of finite numbers"),
        (np.ones((8, 8, 31), np.float16), r"b\.npz: expected features of 32 channels, .* found 31"),
    ],
)
def test_stored_features_of_no_use_are_named_before_the_fit(tmp_path: Path, tokens: np.ndarray, message: str) -> None:
    """Files of somebody else's making, which no rule has seen."""
    workspace = three(tmp_path)
    label_masks(workspace, "car")
    label_features(workspace, "dinov2", "car")
    folder = workspace.features("dinov2", "car")
    np.savez(folder / "b.npz", tokens=tokens)
    write_checksums(folder)
    with pytest.raises(InputError, match=message):
        foreground_tokens(workspace, "dinov2", "car")

"""Labels of photographs of one's own: given ones, ones that need no weights, and none at all."""

import re
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.data.paper_rules import select
from pipeline.data.selection import write_selection
from pipeline.labels.components.masked_tokens import foreground_tokens
from pipeline.labels.depth import read_depth
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features.label import label_features
from pipeline.labels.masks import MaskLabel
from pipeline.labels.masks.given import GivenMasks
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses import PoseLabel, read_pose
from pipeline.labels.poses.label import label_poses
from pipeline.photographs.image_files import read_mask, write_image, write_mask
from pipeline.photographs.photo import Photo
from support.folders import keypoints, row, write_folder
from support.photographs import ellipse, make_photo
from support.tiny import tiny_params

ROWS = [
    row("a", "test", mask="masks/a.png", **keypoints("left", "top")),
    row("b", "test", mask="masks/b.png", **keypoints("left")),
    row("front", mask="masks/front.png", azimuth=-10, elevation=5, theta=190, symmetry=2),
    row("side", mask="masks/side.png", azimuth=90, elevation=0, theta=0),
    row("unseen", mask="masks/unseen.png"),
]


def listed(root: Path, rows: list[dict[str, object]] = ROWS, **overrides: object) -> Workspace:
    workspace = write_folder(root, rows, **overrides)
    write_selection(workspace, select(workspace, "mug"))
    return workspace


def test_given_masks_are_those_of_the_table(tmp_path: Path) -> None:
    workspace = listed(tmp_path, masks__backend="given")
    assert label_masks(workspace, "mug") == ("given", 5, {})
    for name in ("a", "front"):
        np.testing.assert_array_equal(read_mask(workspace.masks("mug") / f"{name}.png"), ellipse())


def test_a_photograph_without_a_given_mask_is_a_recorded_skip(tmp_path: Path) -> None:
    workspace = listed(tmp_path, [*ROWS, row("bare")], masks__backend="given")
    (tmp_path / "photographs/masks/side.png").unlink()
    skipped = label_masks(workspace, "mug").skipped
    assert list(skipped) == ["bare", "side"]
    assert "line 7, column 'mask': expected the path of a mask, found nothing" in skipped["bare"]
    assert "line 5, column 'mask': expected an image, found no file" in skipped["side"]


def test_given_masks_of_no_use_are_recorded_skips(tmp_path: Path) -> None:
    workspace = listed(tmp_path, masks__backend="given")
    masks = tmp_path / "photographs/masks"
    beside = np.zeros_like(ellipse())
    beside[:10] = True
    write_mask(masks / "a.png", beside)
    write_mask(masks / "b.png", ellipse()[:, ::2])
    write_image(masks / "front.png", make_photo("any").image)
    write_image(masks / "side.png", np.repeat(ellipse()[..., None].astype(np.uint8), 3, 2))
    summary = label_masks(workspace, "mug")
    assert summary.done == 1 and list(summary.skipped) == ["front", "side", "a", "b"]
    for name, reason in [
        ("a", r"a\.png: expected a mask of the object in the box .* found 1200 pixels, 0 of them in the box"),
        ("b", r"line 3, column 'mask': expected 120 x 90 pixels, as in the photograph, found 60 x 90"),
        ("front", r"masks/front\.png: expected a mask that is white .* found coloured pixels"),
        ("side", r"masks/side\.png: .* found nothing brighter than 1 of 255"),
    ]:
        assert re.search(reason, summary.skipped[name]), name


def test_an_interrupted_run_is_not_continued_with_another_given_mask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = listed(tmp_path, masks__backend="given", pretrained__batch=1)
    masks = GivenMasks.masks
    asked: list[str] = []

    def recording(backend: GivenMasks, photos: list[Photo]) -> list[MaskLabel]:
        asked.extend(photo.instance.name for photo in photos)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return masks(backend, photos)

    monkeypatch.setattr(GivenMasks, "masks", recording)
    with pytest.raises(KeyboardInterrupt):
        label_masks(workspace, "mug")
    label_masks(workspace, "mug")
    assert asked[3:] == ["unseen", "a", "b"], "the first two are kept"
    asked.clear()
    with pytest.raises(KeyboardInterrupt):
        label_masks(workspace, "mug")
    write_mask(tmp_path / "photographs/masks/side.png", ~ellipse())
    label_masks(workspace, "mug")
    assert len(asked[3:]) == 5


def test_given_poses_are_the_angles_of_the_table(tmp_path: Path) -> None:
    workspace = listed(tmp_path, masks__backend="given", poses__backend="given")
    label_masks(workspace, "mug")
    summary = label_poses(workspace, "mug")
    assert (summary.done, list(summary.skipped)) == (2, ["unseen"])
    assert "line 6, column 'azimuth': expected degrees, found nothing" in summary.skipped["unseen"]
    assert read_pose(workspace.poses("mug") / "front.json") == PoseLabel(350.0, 5.0, -170.0, 2)
    assert read_pose(workspace.poses("mug") / "side.json") == PoseLabel(90.0, 0.0, 0.0, 1)


def test_angles_reach_no_label_but_a_given_one(tmp_path: Path) -> None:
    """The same labels with and without angles in the table."""
    labels = []
    for rows in (ROWS, [{**cells, "azimuth": "", "elevation": "", "theta": "", "symmetry": ""} for cells in ROWS]):
        root = tmp_path / str(len(labels))
        workspace = listed(root, rows, masks__backend="grabcut", features__backend="sift", poses__backend="unknown")
        for label in (label_masks, label_poses, label_depth):
            label(workspace, "mug")
        label_features(workspace, "sift", "mug")
        files = [path for name in ("labels", "features") for path in (root / name).rglob("*.*")]
        labels.append({path.relative_to(root): path.read_bytes() for path in files})
    assert labels[0] == labels[1]
    assert len(labels[0]) == 5 + 3 + 3 + 5 + 8


def test_photographs_of_ones_own_are_labelled_without_weights(tmp_path: Path) -> None:
    workspace = listed(tmp_path, masks__backend="grabcut", features__backend="sift", poses__backend="given")
    assert label_masks(workspace, "mug") == ("grabcut", 5, {})
    found, truth = read_mask(workspace.masks("mug") / "front.png"), ellipse()
    assert (found & truth).sum() / (found | truth).sum() > 0.9
    assert label_depth(workspace, "mug") == ("unknown", 3, {})
    assert label_features(workspace, "sift", "mug").done == 5
    assert foreground_tokens(workspace, "sift", "mug").shape[1] == 128


def test_unknown_depth_is_a_ramp_that_no_variant_learns_from(tmp_path: Path) -> None:
    workspace = listed(tmp_path)
    label_depth(workspace, "mug")
    disparity = read_depth(workspace.depth("mug") / "front.npy", 90, 120)
    assert (np.diff(disparity, axis=0) >= 0).all() and (np.ptp(disparity, axis=1) == 0).all()
    with pytest.raises(InputError, match="'ours' learns from depth, which the backend 'unknown' has none of"):
        tiny_params(depth__backend="unknown", trained=["ours"], reconstruction__variants=[])
    assert tiny_params(depth__backend="unknown", trained=["wo_depth"], reconstruction__variants=[])


@pytest.mark.parametrize("missing", ["table", "line"])
def test_given_labels_need_the_table_with_the_photograph(tmp_path: Path, missing: str) -> None:
    workspace = listed(tmp_path, masks__backend="given")
    if missing == "table":
        workspace.photographs_csv.unlink()
        with pytest.raises(InputError, match=r"photographs\.csv.*data\.folder"):
            label_masks(workspace, "mug")
    else:
        write_folder(tmp_path, [cells for cells in ROWS if cells["image"] != "side.png"])
        skipped = label_masks(workspace, "mug").skipped
        assert "expected a line of the photograph 'mug/side', found none" in skipped["side"]

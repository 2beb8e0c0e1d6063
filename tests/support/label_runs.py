"""Small runs of the label stages."""

from pathlib import Path

from pipeline.base.checksums import write_checksums
from pipeline.config.params import Params
from pipeline.config.workspace import Workspace
from pipeline.labels.depth.label import label_depth
from pipeline.labels.features import label as features_label
from pipeline.labels.masks.label import label_masks
from pipeline.labels.poses.label import label_poses
from pipeline.labels.run import Summary
from pipeline.photographs.lists import write_instances
from pipeline.photographs.records import Instance
from support.tiny import tiny_params

NAMES = {"train_a": "train", "train_b": "train", "test_a": "test"}


def new_table(root: Path, instances: list[Instance], params: Params | None = None) -> Workspace:
    workspace = Workspace(root, params or tiny_params())
    write_instances(workspace.instances("car"), instances)
    write_checksums(workspace.instances("car").parent)
    return workspace


def label_features(workspace: Workspace, category: str) -> Summary:
    return features_label.label_features(workspace, "dinov2", category)


def label_all(workspace: Workspace) -> None:
    for label in (label_masks, label_depth, label_poses, label_features):
        label(workspace, "car")


def contents(workspace: Workspace) -> dict[str, bytes]:
    folders = [workspace.root / "labels", workspace.root / "features"]
    return {str(path.relative_to(workspace.root)): path.read_bytes() for f in folders for path in f.rglob("*.*")}

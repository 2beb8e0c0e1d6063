"""The parameters with which a category of one's own is trained: real networks where their weights are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.config.params import Params
from pipeline.config.parsing import merged
from pipeline.config.profiles import read_profile
from pipeline.config.workspace import Workspace
from pipeline.downloads.pins import read_pins


class Known(NamedTuple):
    """What the photographs of a category come with."""

    masks: bool
    """Whether each has a drawn mask."""
    poses: bool
    """Whether each that is learned from has angles."""


class Backends(NamedTuple):
    """The backend of each kind of label, as `params.yaml` names it."""

    masks: str
    depth: str
    poses: str
    features: str

    def describe(self) -> str:
        """One line for people."""
        named = {"unknown": "none", "given": "yours"}
        return ", ".join(f"{kind} {named.get(name, name)}" for kind, name in self._asdict().items())


def choose_backends(workspace: Workspace, known: Known) -> Backends:
    """Annotations where there are some, networks where their weights lie in the folder of weights, or none."""
    params = workspace.params

    def at_hand(model: str) -> bool:
        weights = read_pins(workspace.pins).weights.get(model)
        return weights is not None and all((workspace.weights / model / name).is_file() for name in weights.files)

    posed = "orient_anything" if at_hand(params.poses.orient_anything.model) else "unknown"
    return Backends(
        masks="given" if known.masks else "sam" if at_hand(params.masks.sam.model) else "grabcut",
        depth="depth_anything" if at_hand(params.depth.depth_anything.model) else "unknown",
        poses="given" if known.poses else posed,
        features="dinov2" if at_hand(params.features.dinov2.model) else "sift",
    )


def settings(root: Path, categories: Sequence[str], backends: Backends, mirror: bool) -> dict[str, Any]:
    """The changes to params.yaml: the profile `folder`, and what the category and the backends ask for.

    Without pose labels the template is learned from hypotheses of the viewpoint, as MagicPony does. Poses are refined
    at prediction in any case.

    Args:
        mirror: whether objects of the categories have a mirror plane.
    """
    trained = "wo_pose" if backends.poses == "unknown" else "ours_refined"
    changes: dict[str, Any] = {
        "categories": list(categories),
        "trained": [trained],
        "backbones": [backends.features],
        "masks": {"backend": backends.masks},
        "depth": {"backend": backends.depth},
        "poses": {"backend": backends.poses},
        "refine": {"enabled": True},
        "gallery": {"rows": [trained, "nearest_neighbour"]},
    }
    if backends.depth == "unknown":
        changes["loss"] = {"depth": 0.0}
    if not mirror:
        parts = ("sdf", "field", "deformation", "texture")
        changes["model"] = {part: {"symmetric": False} for part in parts}
        changes["training"] = {"flip": False}
    return merged(read_profile(root / "profiles", "folder"), changes)


def without_others(params: Params) -> list[str]:
    """The categories of one's own that are run already."""
    return list(params.categories) if params.data.reader == "folder" else []

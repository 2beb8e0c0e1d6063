"""PASCAL3D+ and SPair-71k as one dataset: the reader `releases`."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from pipeline.config.workspace import Workspace
from pipeline.data.imagenet_split import training_instances
from pipeline.data.pascal_split import with_pascal_annotation
from pipeline.data.reader import Found
from pipeline.data.spair_pairs import annotated_pairs, pair_instances
from pipeline.photographs.records import Pair


@dataclass(frozen=True)
class Releases:
    """Training photographs of PASCAL3D+ (ImageNet split), and pairs of SPair-71k.

    The photographs of the pairs have the viewpoint and the CAD model that PASCAL3D+ (PASCAL split) annotates of them.
    """

    pascal3d: Path | None
    """Root of PASCAL3D+; None for no training photographs, viewpoints and CAD models."""
    spair: Path
    """Root of SPair-71k."""

    def training(self, category: str) -> Found | None:
        return None if self.pascal3d is None else training_instances(self.pascal3d, category)

    def pairs(self, category: str, split: str) -> tuple[Pair, ...]:
        return annotated_pairs(self.spair, split, category)

    def unpaired(self, category: str, split: str) -> None:
        """The releases annotate keypoints of every category."""
        return

    def evaluation(self, category: str, names: Collection[str], split: str) -> Found:
        found = pair_instances(self.spair, category, names, split)
        if self.pascal3d is None:
            return found
        annotated = tuple(with_pascal_annotation(self.pascal3d, instance) for instance in found.instances)
        return found._replace(instances=annotated)


def make(workspace: Workspace) -> Releases:
    """The releases that `data.pascal3d`, which may be empty, and `data.spair` name."""
    return Releases(workspace.pascal3d if workspace.params.data.pascal3d else None, workspace.spair)

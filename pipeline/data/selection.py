"""Selection of the stage `instances` for one category: its photographs and pairs, and the counts after each rule."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from pipeline.base.checksums import write_checksums
from pipeline.base.files import write_json
from pipeline.config.workspace import Workspace
from pipeline.photographs.lists import PairList, write_instances, write_pairs
from pipeline.photographs.records import Instance


@dataclass(frozen=True)
class Counts:
    """Numbers of photographs and pairs that each rule leaves."""

    training_listed: int
    """Training photographs that the dataset lists."""
    training_skipped: int
    """Training photographs that cannot be used."""
    training_flagged: int
    """Training photographs whose object is truncated, occluded or difficult, and that are left out for it."""
    training_over_limit: int
    """Training photographs that are left out because `data.max_training_images` asks for fewer."""
    training: int
    """Training photographs that are used."""
    pairs_listed: int
    """Pairs of the category that the dataset lists in the split."""
    pairs_truncated: int
    """Pairs that are left out because an object is truncated."""
    pairs_skipped: int
    """Pairs that are left out because a photograph cannot be used."""
    pairs: int
    """Pairs that are evaluated."""
    evaluation: int
    """Photographs in the evaluated pairs."""
    evaluation_viewpoints: int
    """Photographs in the evaluated pairs whose object has an annotated viewpoint."""
    evaluation_cad_models: int
    """Photographs in the evaluated pairs whose object has an annotated CAD model."""
    calibration_pairs: int
    """Pairs that confidence is learned from."""
    calibration: int
    """Photographs in the calibration pairs."""


class Selection(NamedTuple):
    """Photographs and pairs of one category that are used."""

    instances: tuple[Instance, ...]
    """Training photographs, then those of the evaluated and of the calibration pairs, each in the order of their names.
    """
    pairs: PairList
    """The evaluated pairs."""
    calibration: PairList
    """The pairs that confidence is learned from; there may be none."""
    counts: Counts
    skipped: dict[str, str]
    """Reason for each photograph that is left out although no rule of the paper does so, by its name."""


def describe(selection: Selection) -> str:
    """The counts in words, four lines and one more for each skipped photograph."""
    c, pairs = selection.counts, selection.pairs
    lines = [
        f"{c.training} training images of {c.training_listed} "
        f"({c.training_flagged} truncated, occluded or difficult, {c.training_skipped} skipped, "
        f"{c.training_over_limit} over the limit)",
        f"{c.pairs} evaluated pairs of {c.pairs_listed} in '{pairs.split}' "
        f"({c.pairs_truncated} truncated, {c.pairs_skipped} skipped) with {c.evaluation} images; "
        f"sha256 {pairs.sha256[:12]}",
        f"annotated: a viewpoint for {c.evaluation_viewpoints} and a CAD model for "
        f"{c.evaluation_cad_models} of the {c.evaluation} evaluated images",
        f"{c.calibration_pairs} calibration pairs in '{selection.calibration.split}' with {c.calibration} images",
        *(f"skipped {name}: {reason}" for name, reason in selection.skipped.items()),
    ]
    return "\n".join(f"{pairs.category}: {line}" for line in lines)


def write_selection(workspace: Workspace, selection: Selection) -> None:
    """Write the instances, both lists of pairs, `summary.json` and their checksums for one category."""
    category = selection.pairs.category
    write_instances(workspace.instances(category), selection.instances)
    write_pairs(workspace.pairs(category), selection.pairs)
    write_pairs(workspace.calibration_pairs(category), selection.calibration)
    summary = {
        "counts": asdict(selection.counts),
        "pairs_sha256": selection.pairs.sha256,
        "skipped": selection.skipped,
    }
    write_json(workspace.instances_summary(category), summary)
    write_checksums(workspace.instances_summary(category).parent)

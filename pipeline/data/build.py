"""From the two releases to the tables of one category: the rules of the paper's section 4.1."""

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.base.files import write_json
from pipeline.config.categories import check_category
from pipeline.config.workspace import Workspace
from pipeline.data.evaluation import check_truncation, pair_instances, read_pairs
from pipeline.data.pascal_split import with_pascal_annotation
from pipeline.data.training import training_instances
from pipeline.photographs.records import Instance
from pipeline.photographs.tables import PairList, pair_list, write_instances, write_pairs


@dataclass(frozen=True)
class Counts:
    """How many images and pairs each rule leaves."""

    training_listed: int
    """Images in the lists of the PASCAL3D+ ImageNet split."""
    training_skipped: int
    training_flagged: int
    """Truncated, occluded or difficult, and left out for it."""
    training_over_limit: int
    """Left out because `data.max_training_images` asks for fewer."""
    training: int
    pairs_listed: int
    """Pairs of the category in the list of the SPair-71k split."""
    pairs_truncated: int
    """With a truncated image, and left out for it."""
    pairs_skipped: int
    pairs: int
    evaluation: int
    """Images in the evaluated pairs."""
    evaluation_viewpoints: int
    """Those of them whose object has a viewpoint in PASCAL3D+, and those with a CAD model."""
    evaluation_cad_models: int


class Tables(NamedTuple):
    """What the stage `instances` makes of the two releases."""

    instances: tuple[Instance, ...]
    """Training images, then the images of the evaluated pairs, each in the order of their names."""
    pairs: PairList
    counts: Counts
    skipped: dict[str, str]
    """Reason for each image that was left out although no rule of the paper does so."""


def build(workspace: Workspace, category: str) -> Tables:
    """Read both releases and apply the paper's rules (SEMAGIC section 4.1).

    Training: the PASCAL3D+ ImageNet split without truncated, occluded or difficult objects. Evaluation: the pairs of
    `data.evaluation_split` in which neither image is truncated. Each rule is a parameter. Evaluation instances have
    the viewpoint and the CAD model of the PASCAL3D+ PASCAL split where it annotates their object. With an empty
    `data.pascal3d` there are no training instances, no viewpoints and no CAD models.

    Raises:
        InputError: a release is missing or damaged, it contradicts itself, or nothing is left.
    """
    check_category(category)
    training, skipped, training_counts = _training(workspace, category)
    evaluation, pairs, evaluation_skipped, pair_counts = _evaluation(workspace, category)
    if shared := {item.name for item in training} & {item.name for item in evaluation}:
        raise InputError(
            f"{workspace.spair}: expected images that are not in the training split, found {', '.join(sorted(shared))} "
            f"in {workspace.pascal3d} too. Rename one of the two, so that results cannot be confused."
        )
    instances = tuple(replace(item, image=_relative(item.image, workspace.root)) for item in (*training, *evaluation))
    counts = Counts(**training_counts, **pair_counts)
    return Tables(instances, pairs, counts, {**skipped, **evaluation_skipped})


def describe(tables: Tables) -> str:
    """The counts in words, three lines and one more for each skipped image."""
    c = tables.counts
    lines = [
        f"{tables.pairs.category}: {c.training} training images of {c.training_listed} "
        f"({c.training_flagged} truncated, occluded or difficult, {c.training_skipped} skipped, "
        f"{c.training_over_limit} over the limit)",
        f"{tables.pairs.category}: {c.pairs} evaluated pairs of {c.pairs_listed} in '{tables.pairs.split}' "
        f"({c.pairs_truncated} truncated, {c.pairs_skipped} skipped) with {c.evaluation} images; "
        f"sha256 {tables.pairs.sha256[:12]}",
        f"{tables.pairs.category}: PASCAL3D+ has a viewpoint for {c.evaluation_viewpoints} and a CAD model for "
        f"{c.evaluation_cad_models} of the {c.evaluation} evaluated images",
        *(f"{tables.pairs.category}: skipped {name}: {reason}" for name, reason in tables.skipped.items()),
    ]
    return "\n".join(lines)


def write_tables(workspace: Workspace, tables: Tables) -> None:
    """Write the instances, the pairs and `summary.json` of one category."""
    category = tables.pairs.category
    write_instances(workspace.instances(category), tables.instances)
    write_pairs(workspace.pairs(category), tables.pairs)
    summary = {"counts": asdict(tables.counts), "pairs_sha256": tables.pairs.sha256, "skipped": tables.skipped}
    write_json(workspace.instances_summary(category), summary)


def _training(workspace: Workspace, category: str) -> tuple[tuple[Instance, ...], dict[str, str], dict[str, int]]:
    if not workspace.params.data.pascal3d:
        names = ("training_listed", "training_skipped", "training_flagged", "training_over_limit", "training")
        return (), {}, dict.fromkeys(names, 0)
    found, skipped = training_instances(workspace.pascal3d, category)
    flagged = {item.name for item in found if item.truncated or item.occluded or item.difficult}
    if not workspace.params.data.exclude_flagged_training:
        flagged = set()
    kept = tuple(item for item in found if item.name not in flagged)
    if not kept:
        raise InputError(
            f"{workspace.pascal3d}: expected training images of the category '{category}', found none that can be "
            f"used: {len(skipped)} skipped{_first(skipped)}, {len(flagged)} truncated, occluded or difficult. "
            "Restore them, or set data.exclude_flagged_training to false."
        )
    used = _spread(kept, workspace.params.data.max_training_images)
    counts = {
        "training_listed": len(found) + len(skipped),
        "training_skipped": len(skipped),
        "training_flagged": len(flagged),
        "training_over_limit": len(kept) - len(used),
        "training": len(used),
    }
    return used, skipped, counts


def _evaluation(
    workspace: Workspace, category: str
) -> tuple[tuple[Instance, ...], PairList, dict[str, str], dict[str, int]]:
    split = workspace.params.data.evaluation_split
    listed = read_pairs(workspace.spair, split, category)
    check_truncation(workspace.spair, listed)
    whole = tuple(pair for pair in listed if pair.truncation == 0 or not workspace.params.data.exclude_truncated_pairs)
    names = {name for pair in whole for name in (pair.source, pair.target)}
    found, skipped = pair_instances(workspace.spair, category, names, split)
    kept = [pair for pair in whole if pair.source not in skipped and pair.target not in skipped]
    if not kept:
        raise InputError(
            f"{workspace.spair}: expected pairs of the category '{category}' in the split '{split}', found none that "
            f"can be evaluated: {len(listed) - len(whole)} of {len(listed)} have a truncated image, "
            f"{len(whole)} an image that was skipped{_first(skipped)}. "
            "Set data.exclude_truncated_pairs to false, or choose another data.evaluation_split."
        )
    used = {name for pair in kept for name in (pair.source, pair.target)}
    instances = tuple(item for item in found if item.name in used)
    if workspace.params.data.pascal3d:
        instances = tuple(with_pascal_annotation(workspace.pascal3d, item) for item in instances)
    counts = {
        "pairs_listed": len(listed),
        "pairs_truncated": len(listed) - len(whole),
        "pairs_skipped": len(whole) - len(kept),
        "pairs": len(kept),
        "evaluation": len(instances),
        "evaluation_viewpoints": sum(item.viewpoint is not None for item in instances),
        "evaluation_cad_models": sum(item.cad_index is not None for item in instances),
    }
    return instances, pair_list(category, split, kept), skipped, counts


def _spread(instances: tuple[Instance, ...], limit: int) -> tuple[Instance, ...]:
    """At most `limit` of them, evenly spread, as neighbours in the list are of one kind; 0 for all."""
    count = min(limit or len(instances), len(instances))
    return tuple(instances[i * len(instances) // count] for i in range(count))


def _first(skipped: dict[str, str]) -> str:
    return next((f" (the first, {name}: {reason})" for name, reason in skipped.items()), "")


def _relative(image: str, root: Path) -> str:
    """Paths inside the folder of the run do not name it, so that tables can be moved and cached."""
    return Path(image).relative_to(root).as_posix() if Path(image).is_relative_to(root) else image

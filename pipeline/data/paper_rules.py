"""The rules of the paper's section 4.1: which photographs of a dataset are learned from, which pairs are evaluated."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.config.categories import check_category
from pipeline.config.data_params import Data
from pipeline.config.workspace import Workspace
from pipeline.data.reader import DatasetReader, Found, NoPairsError
from pipeline.data.readers import make_reader
from pipeline.data.selection import Counts, Selection
from pipeline.photographs.lists import PairList, pair_list
from pipeline.photographs.records import Instance, Pair


class _Half(NamedTuple):
    """Photographs that are used of the training or of the evaluation half of a dataset."""

    instances: tuple[Instance, ...]
    skipped: dict[str, str]
    counts: dict[str, int]
    """Fields of `Counts`."""
    source: Path | None
    """Folder or file that lists the photographs; None where there is no such half."""


def select(workspace: Workspace, category: str) -> Selection:
    """Read the dataset of `data.reader` and apply the paper's rules (SEMAGIC section 4.1).

    Training: photographs without truncated, occluded or difficult objects. Evaluation: the pairs of
    `data.evaluation_split` in which neither object is truncated. Each rule is a parameter. Confidence is learned from
    the pairs of `data.calibration_split`, by the same rule. Where nobody has annotated keypoints, all photographs of
    `data.evaluation_split` are evaluated without pairs.

    Raises:
        InputError: the dataset is missing or damaged, it contradicts itself, or nothing is left.
    """
    data = workspace.params.data
    check_category(category, data.reader)
    reader = make_reader(workspace)
    training = _training(reader, category, data)
    evaluation, pairs = _evaluation(reader, category, data)
    calibration, taught = _calibration(reader, category, data, {item.name for item in evaluation.instances})
    paired = (*evaluation.instances, *calibration.instances)
    if shared := {item.name for item in training.instances} & {item.name for item in paired}:
        raise InputError(
            f"{evaluation.source}: expected images that are not in the training split, found "
            f"{', '.join(sorted(shared))} in {training.source} too. Rename one of the two, so that results cannot be "
            "confused."
        )
    return Selection(
        tuple(replace(item, image=_relative(item.image, workspace.root)) for item in (*training.instances, *paired)),
        pairs,
        taught,
        Counts(**training.counts, **evaluation.counts, **calibration.counts),
        {**training.skipped, **evaluation.skipped, **calibration.skipped},
    )


def _training(reader: DatasetReader, category: str, data: Data) -> _Half:
    found = reader.training(category)
    if found is None:
        names = ("training_listed", "training_skipped", "training_flagged", "training_over_limit", "training")
        return _Half((), {}, dict.fromkeys(names, 0), None)
    flagged = [item for item in found.instances if item.truncated or item.occluded or item.difficult]
    left_out = {item.name for item in flagged if data.exclude_flagged_training}
    kept = tuple(item for item in found.instances if item.name not in left_out)
    if not kept:
        raise InputError(
            f"{found.source}: expected training images of the category '{category}', found none that can be "
            f"used: {len(found.skipped)} skipped{_first(found)}, {len(left_out)} truncated, occluded or difficult. "
            "Restore them, or set data.exclude_flagged_training to false."
        )
    used = _spread(kept, data.max_training_images)
    counts = {
        "training_listed": len(found.instances) + len(found.skipped),
        "training_skipped": len(found.skipped),
        "training_flagged": len(left_out),
        "training_over_limit": len(kept) - len(used),
        "training": len(used),
    }
    return _Half(used, found.skipped, counts, found.source)


def _evaluation(reader: DatasetReader, category: str, data: Data) -> tuple[_Half, PairList]:
    split = data.evaluation_split
    try:
        listed = reader.pairs(category, split)
    except NoPairsError:
        unpaired = reader.unpaired(category, split)
        if unpaired is None or len(unpaired.instances) < 2:
            raise
        return _without_pairs(unpaired), pair_list(category, split, ())
    whole = _whole(listed, data)
    found, kept = _usable(reader, category, split, whole)
    if not kept:
        raise InputError(
            f"{found.source}: expected pairs of the category '{category}' in the split '{split}', found none that "
            f"can be evaluated: {len(listed) - len(whole)} of {len(listed)} have a truncated image, "
            f"{len(whole)} an image that was skipped{_first(found)}. "
            "Set data.exclude_truncated_pairs to false, or choose another data.evaluation_split."
        )
    instances = _paired(found, kept)
    counts = {
        "pairs_listed": len(listed),
        "pairs_truncated": len(listed) - len(whole),
        "pairs_skipped": len(whole) - len(kept),
        "pairs": len(kept),
        "evaluation": len(instances),
        "evaluation_viewpoints": sum(item.viewpoint is not None for item in instances),
        "evaluation_cad_models": sum(item.cad_index is not None for item in instances),
    }
    return _Half(instances, found.skipped, counts, found.source), pair_list(category, split, kept)


def _without_pairs(found: Found) -> _Half:
    """All photographs of a split without keypoints, which other measures than PCK are taken of."""
    counts = {
        "pairs_listed": 0,
        "pairs_truncated": 0,
        "pairs_skipped": 0,
        "pairs": 0,
        "evaluation": len(found.instances),
        "evaluation_viewpoints": sum(item.viewpoint is not None for item in found.instances),
        "evaluation_cad_models": 0,
    }
    return _Half(found.instances, found.skipped, counts, found.source)


def _calibration(reader: DatasetReader, category: str, data: Data, evaluated: set[str]) -> tuple[_Half, PairList]:
    """The pairs that confidence is learned from, none of which has a photograph that is evaluated."""
    split = data.calibration_split
    try:
        listed = reader.pairs(category, split)
    except NoPairsError:
        return _Half((), {}, {"calibration_pairs": 0, "calibration": 0}, None), pair_list(category, split, ())
    apart = [pair for pair in _whole(listed, data) if not {pair.source, pair.target} & evaluated]
    found, kept = _usable(reader, category, split, apart)
    instances = _paired(found, kept)
    counts = {"calibration_pairs": len(kept), "calibration": len(instances)}
    return _Half(instances, found.skipped, counts, found.source), pair_list(category, split, kept)


def _whole(listed: Iterable[Pair], data: Data) -> list[Pair]:
    """The pairs of objects that are not truncated, or all."""
    return [pair for pair in listed if pair.truncation == 0 or not data.exclude_truncated_pairs]


def _usable(reader: DatasetReader, category: str, split: str, pairs: list[Pair]) -> tuple[Found, list[Pair]]:
    """The photographs of the pairs, and the pairs of which neither photograph is skipped."""
    found = reader.evaluation(category, {name for pair in pairs for name in (pair.source, pair.target)}, split)
    return found, [pair for pair in pairs if pair.source not in found.skipped and pair.target not in found.skipped]


def _paired(found: Found, pairs: Iterable[Pair]) -> tuple[Instance, ...]:
    """The photographs that a pair names."""
    used = {name for pair in pairs for name in (pair.source, pair.target)}
    return tuple(item for item in found.instances if item.name in used)


def _spread(instances: tuple[Instance, ...], limit: int) -> tuple[Instance, ...]:
    """At most `limit` instances, evenly spread, as neighbours in the list are of one kind; 0 for all."""
    count = min(limit or len(instances), len(instances))
    return tuple(instances[i * len(instances) // count] for i in range(count))


def _first(found: Found) -> str:
    """The first reason for which a photograph was skipped, in brackets."""
    return next((f" (the first, {name}: {reason})" for name, reason in found.skipped.items()), "")


def _relative(image: str, root: Path) -> str:
    """A path without the folder of the run, where it lies inside, so that lists can be moved and cached."""
    return Path(image).relative_to(root).as_posix() if Path(image).is_relative_to(root) else image

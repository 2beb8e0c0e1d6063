"""Labelling the images of one category, one file an image, with a record of what could not be labelled."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tqdm import tqdm

from pipeline.errors import InputError
from pipeline.files import write_json
from pipeline.records import Instance

Label = TypeVar("Label")


class Summary(NamedTuple):
    """Outcome for one category."""

    backend: str
    done: int
    """Images that have a label, those of an earlier, interrupted run included."""
    skipped: dict[str, str]
    """Name of each image without a label, and why."""


def label_images(
    kind: str,
    instances: Sequence[Instance],
    folder: Path,
    suffix: str,
    settings: dict[str, Any],
    label: Callable[[Instance], Label],
    write: Callable[[Path, Label], None],
) -> Summary:
    """Write `folder`/<name><suffix> for each instance and `folder`/summary.json.

    Files that exist are kept: an interrupted run continues where it stopped. `label` raises InputError for an image
    that it cannot label; the image is recorded as skipped and the others go on.

    Args:
        settings: everything that the labels depend on, 'backend' among it; kept as `folder`/settings.json.

    Raises:
        InputError: there are labels of other settings in `folder`, or there are images, but not one could be labelled.
    """
    _claim(folder, settings)
    skipped: dict[str, str] = {}
    for instance in tqdm(instances, desc=f"{kind} {folder.name}", unit="image"):
        path = folder / f"{instance.name}{suffix}"
        if path.exists():
            continue
        try:
            write(path, label(instance))
        except InputError as error:
            skipped[instance.name] = str(error)
    summary = Summary(settings["backend"], len(instances) - len(skipped), skipped)
    write_json(folder / "summary.json", summary._asdict())
    if skipped and summary.done == 0:
        reason = next(iter(skipped.values()))
        raise InputError(f"{folder}: none of {len(instances)} images could be labelled. The first reason: {reason}")
    print(f"{kind} {folder.name}: {summary.done} images by '{summary.backend}', {len(skipped)} skipped -> {folder}")
    return summary


def read_summary(folder: Path) -> Summary:
    """Read `summary.json` of a folder of labels."""
    path = folder / "summary.json"
    if not path.is_file():
        raise InputError(f"{path}: expected the summary of a labelling stage, found none. Run that stage first.")
    return Summary(**json.loads(path.read_text(encoding="utf-8")))


def _claim(folder: Path, settings: dict[str, Any]) -> None:
    """Mark `folder` as holding labels of `settings`, so that labels of two settings never mix."""
    path = folder / "settings.json"
    # A round trip, because JSON turns tuples into lists.
    wanted = json.loads(json.dumps(settings))
    if path.is_file() and json.loads(path.read_text(encoding="utf-8")) != wanted:
        raise InputError(
            f"{folder}: holds labels made with other settings ({path.name}). Remove the folder, or use DVC."
        )
    write_json(path, wanted)

"""Labelling the images of one category, one file an image, with a record of what could not be labelled."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.base.files import sha256, write_json
from pipeline.base.sources import source_sha256
from pipeline.photographs.records import Instance

Label = TypeVar("Label")
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "scipy", "segment-anything", "torch", "transformers")
"""Libraries whose versions may change a label."""


@dataclass(frozen=True)
class Kind(Generic[Label]):
    """One kind of label, and its files."""

    name: str
    """'masks', 'depth', 'poses' or 'features': the section of the parameters."""
    suffix: str
    """The label of an image is the file <name><suffix>."""
    write: Callable[[Path, Label], None]
    """Writes one label, atomically; raises InputError for a label that is of no use."""
    module: str
    """Dotted name of the module that makes these labels; its code, and all that it imports, decides what they are."""


@dataclass(frozen=True)
class Job(Generic[Label]):
    """The labelling of one category's images."""

    kind: Kind[Label]
    folder: Path
    """Folder that gets <name><suffix> of each image, settings.json and summary.json."""
    unfinished: Path
    """Folder of the labels of a run until it has ended; DVC does not know this folder and so does not delete it."""
    settings: dict[str, Any]
    """Everything that the labels depend on besides the images, 'backend' among it; kept as settings.json."""
    inputs: Callable[[Instance], Sequence[Path]]
    """The files that the label of an image is made of."""
    label: Callable[[Sequence[Instance]], Sequence[Label]]
    """The labels of a few images; raises InputError if there is one that it cannot label."""
    batch: int
    """Images that are labelled together."""


class Summary(NamedTuple):
    """Outcome for one category."""

    backend: str
    done: int
    """Images that have a label, those of an earlier, interrupted run included."""
    skipped: dict[str, str]
    """Name of each image without a label, and why."""


def label_images(job: Job[Label], instances: Sequence[Instance]) -> Summary:
    """Write a label for each instance, and the settings and a summary beside them; replaces what was in the folder.

    An interrupted run continues where it stopped, if its settings, its images, the code that makes the labels and the
    libraries that labels depend on are still the same. Batches are cut from the list of instances alone, so that it
    ends with the bytes of a run that was not interrupted. An image that cannot be labelled is recorded as skipped and
    the others go on.

    Raises:
        InputError: there are images, but not one could be labelled.
    """
    work = job.unfinished / _identity(job, instances)
    _keep_only(work)
    skipped: dict[str, str] = {}
    with tqdm(total=len(instances), desc=f"{job.kind.name} {job.folder.name}", unit="image") as bar:
        for start in range(0, len(instances), job.batch):
            batch = instances[start : start + job.batch]
            if not all(_path(job, work, instance).exists() for instance in batch):
                skipped |= _label_batch(job, work, batch)
            bar.update(len(batch))
    summary = Summary(job.settings["backend"], len(instances) - len(skipped), skipped)
    write_json(work / "settings.json", job.settings)
    write_json(work / "summary.json", summary._asdict())
    size = sum(path.stat().st_size for path in work.iterdir())
    _replace(job.folder, work)
    shutil.rmtree(job.unfinished)
    if skipped and summary.done == 0:
        reason = next(iter(skipped.values()))
        raise InputError(f"{job.folder}: none of {len(instances)} images could be labelled. The first reason: {reason}")
    print(
        f"{job.kind.name} {job.folder.name}: {summary.done} images by '{summary.backend}', {len(skipped)} skipped, "
        f"{size / 1e6:.1f} MB -> {job.folder}"
    )
    return summary


def _path(job: Job[Label], folder: Path, instance: Instance) -> Path:
    return folder / f"{instance.name}{job.kind.suffix}"


def _label_batch(job: Job[Label], work: Path, batch: Sequence[Instance]) -> dict[str, str]:
    """Write the labels of a batch; returns the skipped images with the reasons."""
    skipped = {}
    for instance, label in _labels(job, batch):
        try:
            if isinstance(label, InputError):
                raise label
            job.kind.write(_path(job, work, instance), label)
        except InputError as error:
            skipped[instance.name] = str(error)
    return skipped


def _labels(job: Job[Label], batch: Sequence[Instance]) -> Iterator[tuple[Instance, Label | InputError]]:
    """The instances of a batch, each with its label, or with the reason why it has none."""
    try:
        labels: Sequence[Label | InputError] = job.label(batch)
    except InputError as error:
        # One bad image must not cost the others of its batch their labels.
        labels = [error] if len(batch) == 1 else [label for one in batch for _, label in _labels(job, [one])]
    return zip(batch, labels, strict=True)


def _identity(job: Job[Label], instances: Sequence[Instance]) -> str:
    """Digest of all that decides what the labels are."""
    libraries = {item.name: item.version for item in distributions() if item.name in LIBRARIES}
    digest = hashlib.sha256(json.dumps([job.kind.name, job.settings, job.batch, libraries], sort_keys=True).encode())
    digest.update(source_sha256(job.kind.module).encode())
    for instance in instances:
        digest.update(json.dumps(astuple(instance)).encode())
        for path in job.inputs(instance):
            digest.update(sha256(path).encode() if path.is_file() else b"missing")
    return digest.hexdigest()[:16]


def _keep_only(work: Path) -> None:
    """Make the folder of an unfinished run, and remove those of runs that were other ones."""
    work.mkdir(parents=True, exist_ok=True)
    for other in work.parent.iterdir():
        if other != work:
            shutil.rmtree(other)


def _replace(folder: Path, work: Path) -> None:
    """Put `work` in the place of `folder`, which may be on another file system."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    complete = folder.with_name(f".{folder.name}.complete")
    if complete.exists():
        shutil.rmtree(complete)
    shutil.move(work, complete)
    if folder.exists():
        shutil.rmtree(folder)
    complete.rename(folder)

"""Labelling the images of one category, one file an image, with a record of what could not be labelled."""

import hashlib
import json
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from tqdm import tqdm

from pipeline.base.checksums import CHECKSUMS, DamagedFileError, checksum_lines
from pipeline.base.errors import InputError, some
from pipeline.base.files import remove_folder, replace_folder, sha256, write_json, write_text
from pipeline.base.sources import source_sha256
from pipeline.labels.failures import NoMemoryError
from pipeline.labels.journal import Journal
from pipeline.photographs.records import Instance

Label = TypeVar("Label")
LIBRARIES = ("numpy", "opencv-python-headless", "pillow", "scipy", "segment-anything", "torch", "transformers")
"""Libraries whose versions may change a label."""
OWN_FILES = ("settings.json", "summary.json")
"""Files of the folder that are no labels."""
UNEXPECTED_IN_A_ROW = 3
"""Images in a row that a library's own error may cost: then it is not an image that is odd, and the run ends."""


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
    beside: tuple[str, ...] = ()
    """Suffixes of further files of a label, which it may have or not."""

    def files(self, instance: Instance) -> list[str]:
        """Names of the files that the label of an image may have; the first is there in any case."""
        return [f"{instance.name}{suffix}" for suffix in (self.suffix, *self.beside)]


@dataclass(frozen=True)
class Job(Generic[Label]):
    """The labelling of one category's images."""

    kind: Kind[Label]
    folder: Path
    """Folder that gets <name><suffix> of each image, settings.json, summary.json and SHA256SUMS."""
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
        InputError: there are images, but not one could be labelled; or a library failed on several images in a row.
    """
    unfinished = job.unfinished / _identity(job, instances)
    _keep_only(unfinished)
    work = unfinished / "files"
    journal = Journal(unfinished / "journal", work)
    skipped: dict[str, str] = {}
    unexpected: list[str] = []
    with tqdm(total=len(instances), desc=f"{job.kind.name} {job.folder.name}", unit="image") as bar:
        for start in range(0, len(instances), job.batch):
            batch = instances[start : start + job.batch]
            if not all(journal.has(job.kind.files(instance)[0]) for instance in batch):
                outcomes = _label_batch(job, work, batch)
                journal.add([name for one, problem in outcomes.items() if not problem for name in job.kind.files(one)])
                skipped |= {instance.name: str(problem) for instance, problem in outcomes.items() if problem}
                unexpected = _in_a_row(job, unexpected, outcomes)
            bar.update(len(batch))
    summary = Summary(job.settings["backend"], len(instances) - len(skipped), skipped)
    size = _finish(job, work, instances, summary, journal.sums)
    if skipped and summary.done == 0:
        reason = next(iter(skipped.values()))
        raise InputError(f"{job.folder}: none of {len(instances)} images could be labelled. The first reason: {reason}")
    print(
        f"{job.kind.name} {job.folder.name}: {summary.done} images by '{summary.backend}', {len(skipped)} skipped, "
        f"{size / 1e6:.1f} MB -> {job.folder}"
    )
    return summary


def _in_a_row(job: Job[Label], before: list[str], outcomes: Mapping[Instance, InputError | None]) -> list[str]:
    """Names of the last images that failed for an unexpected reason, one after another.

    Raises:
        InputError: these are too many.
    """
    for instance, problem in outcomes.items():
        before = [*before, instance.name] if isinstance(problem, UnexpectedError | NoMemoryError) else []
        if len(before) == UNEXPECTED_IN_A_ROW:
            raise InputError(
                f"{job.folder}: {', '.join(before)} failed one after another, the last with: {problem}. The cause is "
                "not in the images: mend it and run this again; finished labels are kept."
            )
    return before


class UnexpectedError(InputError):
    """An error of a library that no rule of this project foresees."""


def _label_batch(job: Job[Label], work: Path, batch: Sequence[Instance]) -> dict[Instance, InputError | None]:
    """Write the labels of a batch; returns for each image why it has none, or None where it has one."""
    outcomes: dict[Instance, InputError | None] = {}
    for instance, label in _labels(job, batch):
        if taken := {*job.kind.files(instance)} & {*OWN_FILES}:
            label = InputError(f"{instance.image}: its label would be {taken.pop()}, a name that is taken. Rename it.")
        outcomes[instance] = label if isinstance(label, InputError) else None
        if not isinstance(label, InputError):
            try:
                job.kind.write(work / job.kind.files(instance)[0], label)
            except InputError as error:
                outcomes[instance] = error
    return outcomes


def _labels(job: Job[Label], batch: Sequence[Instance]) -> Iterator[tuple[Instance, Label | InputError]]:
    """The instances of a batch, each with its label, or with the reason why it has none."""
    try:
        labels: Sequence[Label | InputError] = job.label(batch)
    except Exception as error:
        # Neither damage of other labels nor what the operating system reports is about this image.
        if isinstance(error, DamagedFileError) or (isinstance(error, OSError) and error.errno is not None):
            raise
        # One bad image must not cost the others of its batch their labels.
        labels = (
            [_as_input_error(error, batch[0])]
            if len(batch) == 1
            else [label for one in batch for _, label in _labels(job, [one])]
        )
    return zip(batch, labels, strict=True)


def _as_input_error(error: Exception, instance: Instance) -> InputError:
    if isinstance(error, InputError):
        return error
    tqdm.write("".join(traceback.format_exception(error)))
    return UnexpectedError(f"{instance.image}: an unexpected {type(error).__name__}: {error}")


def _finish(
    job: Job[Label], work: Path, instances: Sequence[Instance], summary: Summary, sums: Mapping[str, str]
) -> int:
    """Complete the files of a run and put them in their place; returns their size in bytes.

    Raises:
        InputError: the files are not exactly those that were written.
    """
    names = [
        name for instance in instances for name in job.kind.files(instance) if instance.name not in summary.skipped
    ]
    listed = {name: sums[name] for name in names if name in sums}
    for name, content in (("settings.json", job.settings), ("summary.json", summary._asdict())):
        write_json(work / name, content)
        listed[name] = sha256(work / name)
    write_text(work / CHECKSUMS, checksum_lines(listed))
    for path in work.iterdir():
        # Leftovers of killed writers, and files of labels that were refused half-written.
        if path.name not in listed and path.name != CHECKSUMS:
            path.unlink()
    size = sum(path.stat().st_size for path in work.iterdir())
    replace_folder(job.folder, work)
    missing = sorted(listed.keys() - {path.name for path in job.folder.iterdir()})
    if missing or summary.done + 2 > len(listed):
        raise InputError(
            f"{job.folder}: expected {summary.done} labels, found that {some(missing, 3) or 'some'} are missing. "
            "Something else removes files there: end it, and run this again."
        )
    remove_folder(job.unfinished)
    return size


def _identity(job: Job[Label], instances: Sequence[Instance]) -> str:
    """Digest of all that decides what the labels are."""
    libraries = {name: _version(name) for name in LIBRARIES}
    digest = hashlib.sha256(json.dumps([job.kind.name, job.settings, job.batch, libraries], sort_keys=True).encode())
    digest.update(source_sha256(job.kind.module).encode())
    for instance in instances:
        digest.update(json.dumps(astuple(instance)).encode())
        for path in job.inputs(instance):
            digest.update(sha256(path).encode() if path.is_file() else b"missing")
    return digest.hexdigest()[:16]


def _version(library: str) -> str | None:
    """Version of an installed library; None where it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def _keep_only(unfinished: Path) -> None:
    """Remove the unfinished runs of other labels than these."""
    for other in unfinished.parent.iterdir() if unfinished.parent.is_dir() else ():
        if other != unfinished:
            remove_folder(other)

"""Throughput of each label backend in images per second, on photographs of the embedded benchmark."""

import dataclasses
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.machine import synchronise
from benchmarks.parts import ROOT, Setting
from benchmarks.table import Table
from benchmarks.timing import interleaved
from benchmarks.world import CATEGORY, shared_world
from pipeline.base.errors import InputError
from pipeline.config.label_params import model_of
from pipeline.config.workspace import Workspace
from pipeline.labels.depth.label import BACKENDS as DEPTH
from pipeline.labels.features.label import BACKENDS as FEATURES
from pipeline.labels.masks import read_mask_label
from pipeline.labels.masks.label import BACKENDS as MASKS
from pipeline.labels.poses.label import BACKENDS as POSES
from pipeline.photographs.crops import square_crop
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance

KINDS = {"masks": MASKS, "depth": DEPTH, "poses": POSES, "features": FEATURES}
GIVEN = "given"
"""Backend that copies labels of photographs of the user's own, which the embedded benchmark has none of."""
TIMED, QUICK_TIMED = 16, 2
"""Number of photographs labelled in one repeat, and with `--quick`."""


class LabelRow(NamedTuple):
    """Throughput of one backend. It includes reading the photographs, but not writing the labels."""

    kind: str
    backend: str
    weights: str
    """Weights of the backend: 'none' if it needs none, 'tiny' for small random networks, 'real' for released ones."""
    images_per_s: float
    low: float
    high: float
    batch: int


class Choice(NamedTuple):
    """Label backend with one set of weights."""

    kind: str
    backend: str
    weights: str

    def __str__(self) -> str:
        return f"{self.kind} by {self.backend}" + (f", {self.weights} weights" if self.weights != "none" else "")


def measure_labels(setting: Setting) -> tuple[Table, ...]:
    """Measure every backend, with tiny networks that are made on the fly and with released weights where present."""
    workspace = shared_world(setting)
    missing: list[str] = []
    rows = [_row(choice, backend, workspace, setting.quick) for choice, backend in loaded(setting, workspace, missing)]
    return (Table("Label backends", rows, missing),)


def loaded(setting: Setting, workspace: Workspace, missing: list[str]) -> Iterator[tuple[Choice, Any]]:
    """Load each available backend. Backends whose released weights are absent are described in `missing`."""
    for choice, place in choices(setting, workspace).items():
        try:
            backend = load_backend(choice, place)
        except InputError as error:
            if choice.weights != "real":
                raise
            reason = str(error).replace(f"{place.root}/", "").partition(". ")[0]
            missing.append(f"Not measured, {choice}: {reason}.")
        else:
            yield choice, backend


def choices(setting: Setting, workspace: Workspace) -> dict[Choice, Workspace]:
    """Map each backend and set of weights to the workspace in which the weights would be."""
    tiny = _tiny_networks(setting.scratch / "tiny_networks", workspace)
    released = Workspace(ROOT, workspace.params)
    found = {}
    for kind, backends in KINDS.items():
        for name in backends:
            if name == GIVEN:
                continue
            model = model_of(dataclasses.replace(getattr(workspace.params, kind), backend=name))
            if model is None:
                found[Choice(kind, name, "none")] = workspace
                continue
            # The tests have no tiny network of the package segment-anything.
            if (tiny.weights / model).is_dir():
                found[Choice(kind, name, "tiny")] = tiny
            found[Choice(kind, name, "real")] = released
    return found


def load_backend(choice: Choice, place: Workspace) -> Any:
    """Make a backend, without printing the device of its network.

    Raises:
        InputError: the backend cannot be made, for instance because its weights are absent.
    """
    with redirect_stdout(StringIO()):
        return KINDS[choice.kind][choice.backend](place)


def labelling(kind: str, backend: Any, workspace: Workspace, count: int | None = None) -> Callable[[], Any]:
    """Make an action that labels the first `count` training images, or all, in the batches of the stage."""
    instances = workspace.training_instances(CATEGORY)[:count]
    size = workspace.params.pretrained.batch
    batches = [instances[start : start + size] for start in range(0, len(instances), size)]
    label = _labeller(kind, backend, workspace)
    return lambda: [label(batch) for batch in batches]


def _row(choice: Choice, backend: Any, workspace: Workspace, quick: bool) -> LabelRow:
    count, repeats = (QUICK_TIMED, 1) if quick else (TIMED, 3)
    action = labelling(choice.kind, backend, workspace, count)
    found = interleaved({"label": action}, repeats, synchronise=synchronise)["label"].summary()
    rates = (1e3 * count / milliseconds for milliseconds in (found.median, found.high, found.low))
    return LabelRow(*choice, *rates, workspace.params.pretrained.batch)


def _labeller(kind: str, backend: Any, workspace: Workspace) -> Callable[[Sequence[Instance]], Any]:
    """Make a function that labels one batch like the stage of this kind, without writing the labels."""

    def label(instances: Sequence[Instance]) -> Any:
        photos = [read_photo(workspace.root, instance) for instance in instances]
        if kind == "masks":
            return backend.masks(photos)
        if kind == "depth":
            return backend.disparities(photos)
        if kind == "poses":
            masks = [read_mask_label(workspace.masks(CATEGORY) / f"{instance.name}.png") for instance in instances]
            return backend.poses(photos, masks)
        crops = [square_crop(instance.box, workspace.params.data.crop_margin) for instance in instances]
        # The stage computes the features of each training image and of its mirror image.
        return [backend.token_maps(photos, crops, flip=flip) for flip in (False, True)]

    return label


def _tiny_networks(folder: Path, workspace: Workspace) -> Workspace:
    """Make a workspace in which tiny random networks, from the tests, replace the files of the released ones."""
    if not folder.exists():
        folder.mkdir()
        shutil.copy(ROOT / "downloads.yaml", folder)
        with _tests_on_path():
            from support.rehearsal import write_weights

            write_weights(folder)
    return Workspace(folder, workspace.params)


@contextmanager
def _tests_on_path() -> Iterator[None]:
    """The tests' modules import each other from the folder tests/."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "tests"))

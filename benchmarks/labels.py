"""Images a second of each label backend, on photographs of the embedded benchmark."""

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
from benchmarks.world import CATEGORY, make_world
from pipeline.crops import square_crop
from pipeline.data.instances import read_instances
from pipeline.errors import InputError
from pipeline.images import read_mask
from pipeline.label_params import model_of
from pipeline.labels.depth.label import BACKENDS as DEPTH
from pipeline.labels.features.label import BACKENDS as FEATURES
from pipeline.labels.masks.label import BACKENDS as MASKS
from pipeline.labels.photo import read_photo
from pipeline.labels.poses.label import BACKENDS as POSES
from pipeline.layout import Layout
from pipeline.records import Instance

KINDS = {"masks": MASKS, "depth": DEPTH, "poses": POSES, "features": FEATURES}
IMAGES, QUICK_IMAGES = 96, 8
TIMED, QUICK_TIMED = 16, 3
"""Photographs that are labelled in one repeat."""


class LabelRow(NamedTuple):
    """Throughput of one backend; the photographs are read, the labels are not written."""

    kind: str
    backend: str
    weights: str
    """'none' where it needs none, 'tiny' for small random networks, 'real' for the released weights."""
    images_per_s: float
    low: float
    high: float
    batch: int


def measure_labels(setting: Setting) -> tuple[Table, ...]:
    """Every backend with what it needs: tiny networks are made here, released weights are used where they are."""
    layout = make_world(setting.scratch, QUICK_IMAGES if setting.quick else IMAGES)
    tiny = _tiny_networks(setting.scratch / "tiny_networks", layout)
    released = Layout(ROOT, layout.params)
    rows, missing = [], []
    for kind, backends in KINDS.items():
        for name in backends:
            section = _section(layout, kind, name)
            needed = {"tiny": tiny, "real": released} if model_of(section) else {"none": layout}
            for weights, place in needed.items():
                try:
                    with redirect_stdout(StringIO()):
                        backend = backends[name](layout.params, place)
                except InputError as error:
                    missing.append(f"{kind} by {name}, {weights} weights: not measured, {error}")
                else:
                    rows.append(_row(kind, name, weights, backend, layout, setting.quick))
    return (Table("Label backends", rows, missing),)


def _row(kind: str, name: str, weights: str, backend: Any, layout: Layout, quick: bool) -> LabelRow:
    count, repeats = (QUICK_TIMED, 1) if quick else (TIMED, 3)
    instances = [i for i in read_instances(layout.instances(CATEGORY)) if i.split == "train"][:count]
    size = layout.params.pretrained.batch
    batches = [instances[start : start + size] for start in range(0, len(instances), size)]
    label = _labeller(kind, backend, layout)
    times = interleaved({name: lambda: [label(batch) for batch in batches]}, repeats, synchronise=synchronise)
    found = times[name].summary()
    rates = (1e3 * len(instances) / milliseconds for milliseconds in (found.median, found.high, found.low))
    return LabelRow(kind, name, weights, *rates, size)


def _labeller(kind: str, backend: Any, layout: Layout) -> Callable[[Sequence[Instance]], Any]:
    """What the stage of this kind does with a batch before it writes."""

    def label(instances: Sequence[Instance]) -> Any:
        photos = [read_photo(layout.root, instance) for instance in instances]
        if kind == "masks":
            return backend.masks(photos)
        if kind == "depth":
            return backend.disparities(photos)
        if kind == "poses":
            masks = [read_mask(layout.masks(CATEGORY) / f"{instance.name}.png") for instance in instances]
            return backend.poses(photos, masks)
        crops = [square_crop(instance.box, layout.params.data.crop_margin) for instance in instances]
        # A training image and its mirror image.
        return [backend.token_maps(photos, crops, flip=flip) for flip in (False, True)]

    return label


def _section(layout: Layout, kind: str, backend: str) -> Any:
    return dataclasses.replace(getattr(layout.params, kind), backend=backend)


def _tiny_networks(folder: Path, layout: Layout) -> Layout:
    """A folder with the tiny random networks of the tests in the files of the released ones, pinned."""
    folder.mkdir(exist_ok=True)
    shutil.copy(ROOT / "downloads.yaml", folder)
    with _tests_on_path():
        from rehearsal import write_weights

        if not (folder / "weights").exists():
            write_weights(folder)
    return Layout(folder, layout.params)


@contextmanager
def _tests_on_path() -> Iterator[None]:
    """The tests' modules import each other by their bare names."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        yield
    finally:
        sys.path.remove(str(ROOT / "tests"))

"""Growth of costs with the numbers of images, vertices, pixels, categories and variants, as fitted exponents."""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from benchmarks.labels import KINDS, labelling
from benchmarks.parts import ROOT, Setting
from benchmarks.power_law import fit_power_law
from benchmarks.rasterizer import torch_threads
from benchmarks.repro import no_op
from benchmarks.table import Table
from benchmarks.timing import interleaved
from benchmarks.training_run import PHASES, run_steps
from benchmarks.training_step import QUICK
from benchmarks.world import CATEGORY, first_images, shared_world, training_set
from pipeline.config.categories import CATEGORIES
from pipeline.config.params import Params, load_params, vary
from pipeline.config.workspace import Workspace
from pipeline.photographs.lists import read_instances


class ScalingRow(NamedTuple):
    """Measured cost at one size."""

    cost: str
    size_of: str
    size: float
    milliseconds: float


class LawRow(NamedTuple):
    """Fitted power law milliseconds ~ size^exponent over a range of sizes."""

    cost: str
    size_of: str
    least: float
    greatest: float
    exponent: float
    standard_error: float | None


def measure_scaling(setting: Setting) -> tuple[Table, ...]:
    """Measure the costs while one size varies around the shipped value and the others stay fixed."""
    workspace = shared_world(setting)
    params = vary(workspace.params, QUICK) if setting.quick else workspace.params
    rows = [*_images(setting, workspace), *_vertices(setting, workspace, params), *_pixels(setting, workspace, params)]
    if not setting.quick:
        rows += _cells(setting)
    rows.sort(key=lambda row: (row.cost, row.size_of, row.size))
    note = (
        "Costs have a constant part, so that exponents hold between the sizes they were fitted to; without a standard "
        "error there were two sizes."
    )
    return Table("Costs", rows), Table("Exponents", laws(rows), (note,))


def laws(rows: Sequence[ScalingRow]) -> list[LawRow]:
    """Fit one power law for each kind of cost and size."""
    found = []
    for kind in dict.fromkeys((row.cost, row.size_of) for row in rows):
        sizes = [row.size for row in rows if (row.cost, row.size_of) == kind]
        times = [row.milliseconds for row in rows if (row.cost, row.size_of) == kind]
        law = fit_power_law(sizes, times)
        found.append(LawRow(*kind, min(sizes), max(sizes), law.exponent, law.standard_error))
    return found


def _images(setting: Setting, workspace: Workspace) -> Iterator[ScalingRow]:
    """Measure loading a training set, and making simulated labels of all kinds, against the number of images."""
    params, repeats = workspace.params, 1 if setting.quick else 5
    backends = {kind: backends["simulated"](workspace) for kind, backends in KINDS.items()}
    parts = [first_images(workspace, count) for count in ((2, 4) if setting.quick else (10, 20, 40, 80))]
    actions = {}
    for part in parts:
        labels = [labelling(kind, backend, part) for kind, backend in backends.items()]
        actions["load", part.root] = lambda part=part: training_set(part, params)
        actions["label", part.root] = lambda labels=labels: [action() for action in labels]
    times = interleaved(actions, repeats)
    for part in parts:
        count = sum(instance.training for instance in read_instances(part.instances(CATEGORY)))
        yield ScalingRow("load a training set", "images", count, times["load", part.root].summary().median)
        yield ScalingRow("simulated labels", "images", count, times["label", part.root].summary().median)


def _vertices(setting: Setting, workspace: Workspace, params: Params) -> Iterator[ScalingRow]:
    """Measure the training step against the number of template vertices, which the grid resolution determines."""
    for resolution in (6, 8) if setting.quick else (12, 16, 20, 26, 34):
        yield from _steps(setting, workspace, vary(params, {"model": {"grid": {"resolution": resolution}}}), "vertices")


def _pixels(setting: Setting, workspace: Workspace, params: Params) -> Iterator[ScalingRow]:
    for size in (16, 32) if setting.quick else (32, 48, 64, 96, 128):
        yield from _steps(setting, workspace, vary(params, {"training": {"image_size": size}}), "pixels")


def _steps(setting: Setting, workspace: Workspace, params: Params, size_of: str) -> Iterator[ScalingRow]:
    """Measure both phases of a training with these parameters, on one thread."""
    with torch_threads(1):
        phases = run_steps(params, training_set(workspace, params), 6 if setting.quick else 30)
    for phase in PHASES:
        sizes = {"vertices": phases[phase].vertices, "pixels": params.training.image_size**2}
        yield ScalingRow(f"training step {phase}", size_of, sizes[size_of], statistics.median(phases[phase].wall))


def _cells(setting: Setting) -> Iterator[ScalingRow]:
    """Measure a no-op `dvc repro` against categories of one variant, and against variants of one category."""
    shipped = load_params(ROOT / "params.yaml")
    one = {"trained": list(shipped.trained[:1]), "reconstruction": {"variants": []}}
    for count in (1, 2, 4, 8):
        chosen = {**one, "categories": list(CATEGORIES)[:count]}
        _, milliseconds = no_op(setting.scratch / f"categories_{count}", chosen)
        yield ScalingRow("nothing to do", "categories", count, milliseconds)
    for count in (1, 3, 9):
        chosen = {**one, "categories": [CATEGORY], "trained": list(shipped.trained[:count])}
        _, milliseconds = no_op(setting.scratch / f"variants_{count}", chosen)
        yield ScalingRow("nothing to do", "variants", count, milliseconds)

"""Peak memory of each piece of work, in a process of its own: `python -m benchmarks.memory FOLDER WORK [--quick]`."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import chdir, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import torch

from benchmarks.labels import Choice, choices, labelling, load_backend, loaded
from benchmarks.parts import ROOT, Setting, find_part
from benchmarks.placeholders import execute, pretend
from benchmarks.rasterizer import BATCH, CHANNELS, available_backends, forward_and_both, render
from benchmarks.scene import make_scene
from benchmarks.table import Table
from benchmarks.training_run import run_steps
from benchmarks.training_step import devices, on_device, step_input
from benchmarks.world import shared_world
from pipeline.config.profiles import read_profile
from pipeline.rendering.rasterizer import make_rasterizer

FACES = 5000


class MemoryRow(NamedTuple):
    """Peak memory of one process, in megabytes (10^6 bytes)."""

    work: str
    resident_mb: float
    above_imports_mb: float
    """Resident memory in excess of that after importing everything."""
    gpu_mb: float
    """Peak GPU memory allocated by torch. Zero without a GPU."""


def measure_memory(setting: Setting) -> tuple[Table, ...]:
    """Measure the peak memory of the work of the other parts. The first row is that of importing everything."""
    rows: list[MemoryRow] = []
    for work in _works(setting):
        resident, gpu = _peaks(setting, work)
        rows.append(MemoryRow(work, resident, resident - (rows[0].resident_mb if rows else resident), gpu))
    return (Table("Peak memory", rows),)


def main(arguments: Sequence[str]) -> None:
    """Do one piece of work, and print the peaks of this process as JSON."""
    folder, work, *quick = arguments
    name, *details = work.split()
    with redirect_stdout(StringIO()):
        WORKS[name](Setting(bool(quick), Path(folder)), *details)
    gpu = torch.cuda.max_memory_allocated() if torch.cuda.is_available() else 0
    # The peak of getrusage is unsuitable: it is at least that of the process that started this one.
    status = Path("/proc/self/status").read_text().splitlines()
    kilobytes = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
    print(json.dumps([kilobytes * 1024 / 1e6, gpu / 1e6]))


def _works(setting: Setting) -> Iterator[str]:
    """List the pieces of work for this machine, as names of `WORKS` with arguments, and prepare their files."""
    yield "imports"
    for backend, device in available_backends():
        yield from (f"rasterizer {backend} {device} {size}" for size in ((32,) if setting.quick else (64, 128, 256)))
    step_input(setting)
    yield from (f"training {device}" for device in devices())
    if setting.quick:
        return
    for choice, _ in loaded(setting, shared_world(setting), []):
        yield f"labels {' '.join(choice)}"
    yield "evaluator"
    for profile in ("quick", "claims"):
        pretend(setting.scratch / f"memory_{profile}", read_profile(ROOT / "profiles", profile))
        yield f"repro {profile}"


def _rasterize(setting: Setting, backend: str, device: str, size: str) -> None:
    scene, rasterizer = make_scene(FACES, BATCH, CHANNELS, device), make_rasterizer(backend, device)
    topology = rasterizer.topology(scene.tri, scene.pos.shape[1])
    for _ in range(3):
        forward_and_both(lambda scene: render(rasterizer, scene, int(size), topology), scene)[1]()


def _train(setting: Setting, device: str) -> None:
    params, data = step_input(setting)
    run_steps(on_device(params, device), data, 6 if setting.quick else 20)


def _label(setting: Setting, *choice: str) -> None:
    workspace = shared_world(setting)
    chosen = Choice(*choice)
    labelling(chosen.kind, load_backend(chosen, choices(setting, workspace)[chosen]), workspace, 16)()


def _repro(setting: Setting, profile: str) -> None:
    from dvc.cli import main as dvc

    with chdir(setting.scratch / f"memory_{profile}"):
        dvc(["repro", "--quiet"])


WORKS: dict[str, Callable[..., object]] = {
    "imports": lambda setting: None,
    "rasterizer": _rasterize,
    "training": _train,
    "labels": _label,
    "evaluator": lambda setting: find_part("evaluator")(setting),
    "repro": _repro,
}


def _peaks(setting: Setting, work: str) -> tuple[float, float]:
    """Peak megabytes of resident and of GPU memory, measured in a subprocess."""
    command = [sys.executable, "-m", "benchmarks.memory", str(setting.scratch), work]
    done = execute(ROOT, *command, *["--quick"] * setting.quick)
    resident, gpu = json.loads(done.splitlines()[-1])
    return resident, gpu


if __name__ == "__main__":
    main(sys.argv[1:])

"""Time of a no-op `dvc repro` and of a no-op `make repro`, as a function of the number of stages."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.parts import ROOT, Setting
from benchmarks.placeholders import FILES, find_nothing_to_do, pretend, run_module
from benchmarks.power_law import fit_power_law
from benchmarks.table import Table
from benchmarks.timing import interleaved
from pipeline.config.profiles import read_profile

PROFILES = {"quick": 3, "shipped": 3, "claims": 1, "paper": 1}
"""Profiles, with the number of repeats of each. The last ones take minutes."""


class ReproRow(NamedTuple):
    """Times of one profile: medians in seconds. Every repeat starts the command anew."""

    profile: str
    stages: int
    files: int
    repro_s: float
    """Time of `dvc repro`."""
    low_s: float
    high_s: float
    cpu_s: float
    fanout_s: float
    """Time of `semagic run`, the first command of `make repro`."""


def measure_repro(setting: Setting) -> tuple[Table, ...]:
    """Measure the profiles from the smallest to `paper`, each in a repository of its own."""
    chosen = {"quick": 1} if setting.quick else PROFILES
    rows = [_row(setting.scratch / f"repro_{name}", name, repeats) for name, repeats in chosen.items()]
    notes = [f"Outputs are placeholders, {FILES} small files in each folder; those of real runs are more and larger."]
    if len(rows) > 1:
        law = fit_power_law([row.stages for row in rows], [row.repro_s for row in rows])
        notes.append(f"`dvc repro` grows as stages^{law.exponent:.2f} (standard error {law.standard_error:.2f}).")
    return (Table("Nothing to do", rows, notes),)


def no_op(folder: Path, overrides: Mapping[str, Any]) -> tuple[int, float]:
    """Measure a no-op `dvc repro` with changed parameters: number of stages, and time in milliseconds."""
    found = pretend(folder, overrides)
    times = interleaved({"repro": lambda: find_nothing_to_do(folder)}, repeats=1, warmup=0)
    return found.stages, times["repro"].summary().median


def _row(folder: Path, profile: str, repeats: int) -> ReproRow:
    found = pretend(folder, {} if profile == "shipped" else read_profile(ROOT / "profiles", profile))
    actions = {
        "repro": lambda: find_nothing_to_do(folder),
        "fanout": lambda: run_module(folder, "semagic", "run"),
    }
    times = {name: samples.summary() for name, samples in interleaved(actions, repeats, warmup=0).items()}
    repro, fanout = times["repro"], times["fanout"]
    seconds = (value / 1e3 for value in (repro.median, repro.low, repro.high, repro.cpu, fanout.median))
    return ReproRow(profile, found.stages, found.files, *seconds)

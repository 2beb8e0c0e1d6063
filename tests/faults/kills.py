"""Kill a run again and again, at moments drawn from a seed, and compare what it ends with to a run that was left alone.

`PYTHONPATH=tests python -m faults.kills build/smoke --kills 50` takes a finished run, repeats it from its parameters in
build/kills, and kills it 50 times: whole, its scheduler alone, the warm process alone, a stage alone, or a stage before
one of its writes. After each kill it waits until nothing of the run is left, and starts the same command again. The
exit code is 1 if a process outlives its starter, or one byte of an output differs in the end.
"""

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil
from dvc.utils.serialize import dumps_yaml, loads_yaml

from pipeline.base.files import write_text
from support.paths import ROOT

OUTPUTS = ("data", "instances", "labels", "features", "components", "cells", "models", "predictions", "baselines",
           "evaluation", "reconstruction", "reports")  # fmt: skip
SITE = Path(__file__).parent / "site"
VICTIMS = ("everything", "semagic", "warm", "stage", "write")
LONGEST_AFTERLIFE = 20.0
"""Seconds within which everything that a killed process started has to end."""
WHILE_STAGES_RUN, LONGEST = 0.8, 15.0
"""Share of the kills whose time, up to so many seconds, is counted from the beginning of a stage instead of the run."""
MOST_CALLS = 200
"""Highest number of the call that writes, counted from the moment, before which a stage is killed. Small ones are
likelier, as all stages reach them."""


class Kill(NamedTuple):
    """One kill."""

    victim: str
    moment: str
    """Where it was killed, for people."""


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("finished", type=Path, help="folder of a finished run")
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="*", default=[], metavar="STAGE", help="repeat these stages alone")
    parser.add_argument("--copy", type=Path, default=ROOT / "build" / "kills")
    chosen = parser.parse_args()
    finished, copy = chosen.finished.resolve(), chosen.copy.resolve()
    prepare(finished, copy, chosen.only)
    rng, kills = random.Random(chosen.seed), []
    started = time.monotonic()
    while len(kills) < chosen.kills:
        kill = run_and_kill(copy, rng)
        if kill is None:
            # The run has ended before its time.
            if differing := compare(finished, copy):
                break
            prepare(finished, copy, chosen.only)
        else:
            kills.append(kill)
            print(f"kill {len(kills)} of {chosen.kills}: {kill.victim} {kill.moment}", flush=True)
    code = subprocess.run(command(), cwd=copy, env=environment(), stdout=subprocess.DEVNULL, check=False).returncode
    differing = compare(finished, copy)
    print(f"{len(kills)} kills in {time.monotonic() - started:.0f} s: {dict(Counter(kill.victim for kill in kills))}")
    print(f"exit code {code}; {len(files(finished))} outputs, {len(differing)} of them differ {differing[:10]}")
    return int(code != 0 or bool(differing))


def prepare(finished: Path, copy: Path, only: list[str]) -> None:
    """Copy a finished run, and take away what its stages made, or what some of them did."""
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "--archive", finished, copy], check=True)
    # Without its outputs in the cache, DVC would run the other stages too.
    cache = ".dvc/cache/runs" if only else ".dvc/cache"
    for name in (".checkpoints", cache, ".dvc/tmp", "mlflow.db", "mlruns"):
        place = copy / name
        shutil.rmtree(place, ignore_errors=True) if place.is_dir() else place.unlink(missing_ok=True)
    lock = copy / "dvc.lock"
    if only:
        places: list[str] = []
        # With DVC's own functions: it is longer than what a person may write.
        content = loads_yaml(lock.read_text(encoding="utf-8"))
        for name in [name for name in content["stages"] if name.split("@")[0] in only]:
            places.extend(out["path"] for out in content["stages"].pop(name).get("outs", []))
        write_text(lock, dumps_yaml(content))
        for place in places:
            target = copy / place
            # An entry may be from another run in the same folder.
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
        return
    lock.unlink()
    for name in OUTPUTS:
        tracked = subprocess.run(
            ["git", "ls-files", "-z", name], cwd=copy, check=True, capture_output=True, text=True
        ).stdout.split("\0")
        for path in [path for path in (copy / name).rglob("*") if path.is_file()]:
            if str(path.relative_to(copy)) not in tracked:
                path.unlink()


def run_and_kill(copy: Path, rng: random.Random) -> Kill | None:
    """Start the run, and kill it once; None where it ended before."""
    victim, in_stage, seconds = rng.choice(VICTIMS), rng.random() < WHILE_STAGES_RUN, rng.uniform(0.0, LONGEST)
    order = copy / ".kill"
    order.unlink(missing_ok=True)
    process = subprocess.Popen(
        command(), cwd=copy, env={**environment(), "SEMAGIC_KILL": str(order)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while in_stage and process.poll() is None and not running_stages(process.pid):
        time.sleep(0.05)
    try:
        process.wait(seconds)
        return None
    except subprocess.TimeoutExpired:
        pass
    below = psutil.Process(process.pid).children(recursive=True)
    moment = f"{seconds:.1f} s after {'a stage' if in_stage else 'it'} began, in {running_stages(process.pid)}"
    if victim == "write":
        order.write_text(str(calls := int(MOST_CALLS ** rng.random())), encoding="utf-8")
        while process.poll() is None and order.exists():
            time.sleep(0.05)
        died = not order.exists()
        order.unlink(missing_ok=True)
        process.wait()
        return Kill(victim, f"{moment}, before call {calls} that writes") if died else None
    chosen = {
        "everything": [process.pid, *(one.pid for one in below)],
        "semagic": [process.pid],
        "warm": [one.pid for one in below if "pipeline.warm.server" in " ".join(command_line(one))][:1],
        "stage": [one.pid for one in below if stage_of(one)][:1],
    }[victim]
    for number in chosen or [process.pid]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(below, timeout=LONGEST_AFTERLIFE)
    if alive:
        raise SystemExit(f"{victim} was killed, and {alive} live on")
    return Kill(victim if chosen else "semagic", moment)


def command_line(process: psutil.Process) -> list[str]:
    """Words of a command line; a process that has given itself a title has them in one."""
    try:
        return " ".join(process.cmdline()).split()
    except psutil.Error:
        return []


def running_stages(process: int) -> list[str]:
    """Names of the stages that are running below a process."""
    with contextlib.suppress(psutil.Error):
        return sorted({name for one in psutil.Process(process).children(recursive=True) if (name := stage_of(one))})
    return []


def stage_of(process: psutil.Process) -> str | None:
    """Name of the stage that a process runs; None for others."""
    words = command_line(process)
    return next((word.removeprefix("stages.") for word in words[1:3] if word.startswith("stages.")), None)


def command() -> list[str]:
    return [sys.executable, "-m", "semagic", "run"]


def environment() -> dict[str, str]:
    """This process's environment, with this Python first, and with what kills a stage when it is told to."""
    return {
        **{name: value for name, value in os.environ.items() if name not in ("MLFLOW_TRACKING_URI", "SEMAGIC_KILL")},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(SITE),
        "DVC_NO_ANALYTICS": "1",
    }


def files(run: Path) -> dict[str, Path]:
    """Outputs of a run by their names."""
    return {str(path.relative_to(run)): path for name in OUTPUTS for path in (run / name).rglob("*") if path.is_file()}


def compare(finished: Path, copy: Path) -> list[str]:
    """Names of the outputs that differ, or that only one of two runs has."""
    one, other = files(finished), files(copy)
    return sorted(
        name
        for name in one.keys() | other.keys()
        if name not in one or name not in other or one[name].read_bytes() != other[name].read_bytes()
    )


if __name__ == "__main__":
    sys.exit(main())

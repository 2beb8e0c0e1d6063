"""Repeat a finished run on a Ray cluster whose parts die, and compare the bytes.

`PYTHONPATH=tests python -m cluster.trial build/smoke --deaths 5` takes a finished run, repeats it from its parameters
on three machines, which are processes of this one, and lets a machine, a worker or the head of the run die, in turn, at
moments drawn from a seed; after the death of the head the same command is started again. It does so with a repository
that the machines share, and with --scratch. The exit code is 1 if one byte of an output differs in the end.
"""

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

import psutil

from cluster.machines import Machines, start, wait_for, workers_at
from faults.kills import compare, files, prepare
from support.paths import ROOT

VICTIMS = ("machine", "worker", "head")
LONGEST = 6.0
"""Seconds after the beginning of a stage within which a victim dies."""


def main() -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("finished", type=Path, help="folder of a finished run")
    parser.add_argument("--deaths", type=int, default=3, help="deaths in each of the two kinds of clusters")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--machines", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], metavar="STAGE", help="repeat these stages alone")
    parser.add_argument("--copy", type=Path, default=ROOT / "build" / "cluster")
    chosen = parser.parse_args()
    finished, copy = chosen.finished.resolve(), chosen.copy.resolve()
    differing = []
    for shared in (True, False):
        prepare(finished, copy, chosen.only)
        with Machines(chosen.machines) as machines, tempfile.TemporaryDirectory() as scratch:
            options = () if shared else ("--scratch", scratch)
            began = time.monotonic()
            died = repeat(machines, copy, options, chosen.deaths, random.Random(chosen.seed))
        found = compare(finished, copy)
        kind = "shared folder" if shared else "no shared folder"
        print(
            f"{kind}: {died} died; {len(files(finished))} outputs, {len(found)} differ {found[:10]}; "
            f"{time.monotonic() - began:.0f} s",
            flush=True,
        )
        differing += found
    return int(bool(differing))


def repeat(machines: Machines, copy: Path, options: tuple[str, ...], deaths: int, rng: random.Random) -> list[str]:
    """Run until everything is done; returns who died."""
    died: list[str] = []
    process = start(machines.address, copy, environment(), *options)
    while True:
        if len(died) < deaths and wait_for(lambda run=process: run.poll() is not None or workers_at(), 120):
            time.sleep(rng.uniform(0, LONGEST))
        if process.poll() is not None or len(died) >= deaths:
            output = process.communicate()[0]
            if process.returncode:
                sys.stdout.write(output)
                raise SystemExit(f"the run ended with {process.returncode}, after {died}")
            return died
        victim = VICTIMS[len(died) % len(VICTIMS)]
        if victim == "machine":
            machines.replace(rng.randrange(len(machines)))
        elif victim == "worker":
            busy = workers_at()
            if not busy:
                continue
            with contextlib.suppress(psutil.Error):
                rng.choice(busy).kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            process = start(machines.address, copy, environment(), *options)
        died.append(victim)


def environment() -> dict[str, str]:
    """This process's environment, in which nothing is recorded elsewhere."""
    kept = {name: value for name, value in os.environ.items() if name not in ("MLFLOW_TRACKING_URI", "RAY_ADDRESS")}
    return {**kept, "DVC_NO_ANALYTICS": "1", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}


if __name__ == "__main__":
    sys.exit(main())

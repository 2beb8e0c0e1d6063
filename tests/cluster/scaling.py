"""Efficiency of a cluster of processes on one machine: cells that sleep, over 1, 2, 4 and 8 worker slots.

`PYTHONPATH=tests python -m cluster.scaling --cells 120 --seconds 15` prints, for each number of slots, the time of the
run, the time without any overhead, and their ratio. The machines have one slot each, and share the folder.
"""

import argparse
import math
import tempfile
import time
from pathlib import Path

from cluster.machines import Machines, start
from cluster.trial import environment
from pipeline.base.yaml_text import to_yaml
from support.dvc_repository import init_repository
from support.paths import ROOT


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=120)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--slots", type=int, nargs="*", default=[1, 2, 4, 8])
    chosen = parser.parse_args()
    for slots in chosen.slots:
        with tempfile.TemporaryDirectory() as folder, Machines(slots) as machines:
            make_repository(
                Path(folder), chosen.cells, f"sleep {chosen.seconds} && echo ${{item.cell}} > out.${{item.cell}}"
            )
            began = time.monotonic()
            process = start(machines.address, Path(folder), environment())
            output = process.communicate()[0]
            taken = time.monotonic() - began
            if process.returncode:
                raise SystemExit(output)
        ideal = math.ceil(chosen.cells / slots) * chosen.seconds
        print(f"{slots} slots: {taken:.1f} s, ideal {ideal:.1f} s, efficiency {ideal / taken:.3f}", flush=True)


def make_repository(folder: Path, cells: int, command: str) -> None:
    """A DVC repository with cells that run a command, in which ${item.cell} is the number of the cell."""
    stage = {
        "matrix": {"cell": list(range(cells))},
        "cmd": command,
        "outs": ["out.${item.cell}"],
    }
    init_repository(folder)
    (folder / "dvc.yaml").write_text(to_yaml({"stages": {"sleep": stage}}))
    (folder / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())


if __name__ == "__main__":
    main()

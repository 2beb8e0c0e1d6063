"""Bad input of every kind: thousands of damaged files, each read by the project's own reader.

`PYTHONPATH=tests python -m faults.mutations --count 10000` makes the mutants, reads them, and prints a table of kinds
and outcomes. The exit code is 1 if one ended in a way that it must not. `--kind NAME --only NUMBER` repeats one.
"""

import argparse
import collections
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from faults.kinds import KINDS
from faults.mutants import Task
from faults.pool import read_mutants
from faults.trial import BAD, GOOD, Verdict
from faults.worker import Trials

PROCESSES = 2
SHOWN = 5
"""Failures of each kind that are printed."""


def tasks_of(count: int, seed: int, kinds: Sequence[str]) -> list[Task]:
    """The same number of mutants of each kind, or one more; those of a kind stand together."""
    shares = [range(count // len(kinds) + (i < count % len(kinds))) for i in range(len(kinds))]
    return [Task(kind, number, seed) for kind, share in zip(kinds, shares, strict=True) for number in share]


def run(tasks: Sequence[Task], processes: int = PROCESSES) -> list[tuple[Task, Verdict]]:
    """Read mutants in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="mutations") as folder:
        return read_mutants(tasks, Path(folder), processes)


def table(found: Sequence[tuple[Task, Verdict]]) -> str:
    """Outcomes by kind as a Markdown table; a last row sums up."""
    counts = collections.defaultdict(collections.Counter)
    for task, verdict in found:
        for row in (task.kind, "all"):
            counts[row][verdict.outcome] += 1
    rows = [*sorted(set(counts) - {"all"}), "all"]
    columns = [name for name in (*GOOD, *BAD) if name in GOOD or counts["all"][name]]
    lines = [f"| kind | mutants | {' | '.join(columns)} |", f"|---|{'---:|' * (1 + len(columns))}"]
    for row in rows:
        numbers = [counts[row].total(), *(counts[row][name] for name in columns)]
        lines.append(f"| {row} | {' | '.join(map(str, numbers))} |")
    return "\n".join(lines)


def failures(found: Sequence[tuple[Task, Verdict]]) -> str:
    """The first failures of each kind and outcome, each with the options that repeat it."""
    groups = collections.defaultdict(list)
    for task, verdict in found:
        if not verdict.good:
            groups[task.kind, verdict.outcome].append((task, verdict))
    blocks = [block for group in groups.values() for block in (_described(*item) for item in group[:SHOWN])]
    return "\n\n".join(blocks)


def _described(task: Task, verdict: Verdict) -> str:
    options = f"--kind '{task.kind}' --only {task.number} --seed {task.seed}"
    return f"{verdict.outcome} ({verdict.operator}): {options}\n{verdict.detail.strip()}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="mutants (default: 10000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", action="append", help="kinds that begin with this; by default all")
    parser.add_argument("--only", type=int, help="number of one mutant of the kind")
    parser.add_argument("--save", type=Path, help="file to write that mutant to")
    found = parser.parse_args()
    kinds = [name for name in KINDS if not found.kind or name.startswith(tuple(found.kind))]
    if found.only is not None:
        tasks = [Task(kind, found.only, found.seed) for kind in kinds]
    else:
        tasks = tasks_of(found.count, found.seed, kinds)
    if found.save:
        with tempfile.TemporaryDirectory() as folder:
            found.save.write_bytes(Trials(Path(folder), Path(folder) / "root").mutant(tasks[0]).content)
    results = run(tasks)
    bad = [item for item in results if not item[1].good]
    print(failures(results if found.only is None else bad))
    print(table(results))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

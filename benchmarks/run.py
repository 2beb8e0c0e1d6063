"""Run of the whole benchmark: its parts in sequence, printed as tables and written as JSON."""

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import commit, load, machine, versions
from benchmarks.parts import PARTS, ROOT, Setting, find_part
from pipeline.base.files import write_json


def measure(parts: Sequence[str], output: Path, quick: bool) -> None:
    """Measure parts of the benchmark. Each part is printed and written as soon as it is done.

    Args:
        parts: names of the parts; if empty, all parts.
        output: JSON file, which is complete and valid after each part.
        quick: whether to use small sizes and few repeats.

    Raises:
        InputError: the name of a part is unknown. Nothing has been measured then.
    """
    chosen = {name: find_part(name) for name in parts or PARTS}
    content = _heading(quick)
    print(_described(content))
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
        setting = Setting(quick, Path(scratch))
        for name, part in chosen.items():
            before, start = load(), time.perf_counter()
            tables = part(setting)
            seconds = round(time.perf_counter() - start, 1)
            print(f"\n## {name}\n\nLoad average before it: {before[0]}; {seconds} s.\n")
            print("\n".join(table.markdown() for table in tables), flush=True)
            content["parts"][name] = {
                "load_before": before,
                "seconds": seconds,
                "tables": [table.plain() for table in tables],
            }
            write_json(output, content)
    print(f"Written to {output}.")


def _heading(quick: bool) -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(ROOT),
        "quick": quick,
        "machine": machine(),
        "versions": versions(),
        "parts": {},
    }


def _described(content: dict[str, Any]) -> str:
    found = content["machine"]
    gpu = found["gpu"] or "no GPU"
    installed = ", ".join(f"{name} {number}" for name, number in content["versions"].items() if number)
    return (
        f"{found['processor']}, {found['cores']} cores, {found['threads']} threads, {found['memory_gb']} GB, {gpu}; "
        f"{installed}; commit {(content['commit'] or 'unknown')[:8]}."
    )

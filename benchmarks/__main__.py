"""Measure what the pipeline costs on this machine, print tables and write them as JSON.

Each part is printed and written as soon as it is done, so that an interruption loses only the part in progress.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import commit, load, machine, versions
from benchmarks.parts import PARTS, ROOT, Setting, find_part
from pipeline.base.errors import InputError
from pipeline.base.files import write_json


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--output", type=Path, default=Path("build/benchmarks.json"), help="default: %(default)s")
    parser.add_argument("--quick", action="store_true", help="small sizes: whether it works, not how fast it is")
    options = parser.parse_args(arguments)
    try:
        chosen = {name: find_part(name) for name in options.parts or PARTS}
        content = _heading(options.quick)
        print(_described(content))
        with tempfile.TemporaryDirectory(prefix="benchmarks-") as scratch:
            setting = Setting(options.quick, Path(scratch))
            for name, measure in chosen.items():
                before, start = load(), time.perf_counter()
                tables = measure(setting)
                seconds = round(time.perf_counter() - start, 1)
                print(f"\n## {name}\n\nLoad average before it: {before[0]}; {seconds} s.\n")
                print("\n".join(table.markdown() for table in tables), flush=True)
                content["parts"][name] = {
                    "load_before": before,
                    "seconds": seconds,
                    "tables": [table.plain() for table in tables],
                }
                write_json(options.output, content)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"Written to {options.output}.")
    return 0


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


if __name__ == "__main__":
    sys.exit(main())

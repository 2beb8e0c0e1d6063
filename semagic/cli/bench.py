"""`semagic bench`: what the pipeline costs on this machine."""

import sys
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from pipeline.base.errors import InputError

CHECKOUT = Path(__file__).resolve().parents[2]
"""Folder that holds the packages; in a checkout benchmarks/ is among them."""
PARTS = (
    *(
        "rasterizer",
        "training_step",
        "floor",
        "paper_step",
        "labels",
        "prediction",
        "evaluator",
        "repro",
        "memory",
        "scaling",
    ),
    *("alternatives", "safety", "neighbours"),
)
"""The parts for the help and for the completion in a shell; benchmarks/parts.py says what each is."""


def _parts(incomplete: str) -> list[str]:
    """Names for the completion in a shell."""
    return [name for name in PARTS if name.startswith(incomplete)]


def bench(
    parts: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PART", help=f"Any of {', '.join(PARTS)}.", show_default="all parts", autocompletion=_parts
        ),
    ] = None,
    output: Annotated[Path, typer.Option(help="JSON file of the measurements.")] = Path("build/benchmarks.json"),
    quick: Annotated[bool, typer.Option("--quick", help="Small sizes: whether it works, not how fast it is.")] = False,
) -> None:
    """Measure what the pipeline costs on this machine.

    Tables are printed, and written as JSON. Each part is printed and written as soon as it is done, so that an
    interruption loses only the part in progress. The benchmarks are in the folder benchmarks/ of a checkout, and not
    in an installed package.
    """
    if not (CHECKOUT / "benchmarks" / "__init__.py").is_file():
        raise InputError(
            f"{CHECKOUT}: expected the folder benchmarks/ of a checkout, found none. Clone the repository and install "
            "it with `pip install -e .`."
        )
    # An editable installation offers the packages of the project, of which benchmarks/ is none.
    if str(CHECKOUT) not in sys.path:
        sys.path.insert(0, str(CHECKOUT))
    import_module("benchmarks.run").measure(parts or (), output, quick)

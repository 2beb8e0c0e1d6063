"""What every stage's command line has in common."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.categories import check_category
from pipeline.errors import InputError
from pipeline.layout import Layout
from pipeline.params import Params, load_params


def parse_run(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Params, Layout]:
    """Parse `--root` (the folder with `params.yaml`; by default the current one) of a stage that runs once.

    Args:
        description: the stage's docstring, for `--help`.
        arguments: the command line; by default that of the process.

    Raises:
        InputError: there is no parameter file, or it is not valid.
    """
    return _load(_parser(description).parse_args(arguments).root)


def parse_cell(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Params, Layout, str]:
    """Parse `--category` and `--root` of a stage that has a cell for each category.

    Raises:
        InputError: as `parse_run`, or the category is unknown.
    """
    parser = _parser(description)
    parser.add_argument("--category", required=True, help="one of the ten categories, e.g. car")
    found = parser.parse_args(arguments)
    return *_load(found.root), check_category(found.category)


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; an error that its user can mend is one message on stderr and exit code 1."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None


def _parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--root", type=Path, default=Path(), help="folder with params.yaml (default: this one)")
    return parser


def _load(root: Path) -> tuple[Params, Layout]:
    params = load_params(root / "params.yaml")
    return params, Layout(root, params)

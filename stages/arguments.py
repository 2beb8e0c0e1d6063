"""Command-line arguments shared by the stages."""

import argparse
import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

from pipeline.base.interrupts import interruptible
from pipeline.base.reported import reported
from pipeline.base.tether import tethered
from pipeline.base.usage import usage_printed
from pipeline.config.cells import Cell
from pipeline.config.opening import open_backbone, open_cell, open_workspace
from pipeline.config.workspace import Workspace


def parse_run(description: str | None, arguments: Sequence[str] | None = None) -> Workspace:
    """Parse the command line of a stage that runs once: `--root`, the folder with `params.yaml`.

    Args:
        description: docstring of the stage, for `--help`.
        arguments: command line; by default that of the process.

    Raises:
        InputError: the parameter file is missing or invalid.
    """
    found = _parser(description).parse_args(arguments)
    return open_workspace(found.root)


def parse_category(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str]:
    """Parse the command line of a stage that has a cell for each category: `--category` and `--root`.

    Raises:
        InputError: the parameter file is missing or invalid, or the category is unknown.
    """
    found = _parser(description, "category").parse_args(arguments)
    workspace = open_workspace(found.root)
    return workspace, workspace.check_category(found.category)


def parse_release(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str]:
    """Parse `--release` and `--root`. The reader of downloads.yaml checks the name of the release.

    Raises:
        InputError: the parameter file is missing or invalid.
    """
    found = _parser(description, "release").parse_args(arguments)
    return open_workspace(found.root), found.release


def parse_backbone(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str, str]:
    """Parse `--backbone`, `--category` and `--root`.

    Returns:
        The workspace, whose parameters include the changes of the backbone, the backbone and the category.

    Raises:
        InputError: the parameter file is missing or invalid, or the backbone or the category is unknown.
    """
    found = _parser(description, "backbone", "category").parse_args(arguments)
    workspace, backbone = open_backbone(found.root, found.backbone)
    return workspace, backbone, workspace.check_category(found.category)


def parse_cell(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, Cell]:
    """Parse `--variant`, `--backbone`, `--category`, `--seed` and `--root`.

    Returns:
        The workspace with the parameters of the cell, and the cell.

    Raises:
        InputError: the parameter file is missing or invalid, or the variant, backbone or category is unknown.
    """
    found = _parser(description, "variant", "backbone", "category", "seed").parse_args(arguments)
    return open_cell(found.root, found.variant, found.category, found.backbone, found.seed)


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage, as the main program of a process.

    An error that the user can resolve gives one message on stderr and exit code 1, an interruption exit code 130. A
    stage that DVC started ends when DVC ends: otherwise it would go on beside the next one for the same outputs. The
    time and the memory that it took are printed last.
    """
    tether = tethered() if "DVC_STAGE" in os.environ else nullcontext()
    with interruptible(), reported(), tether, usage_printed():
        main()


_OPTIONS = {
    "release": {"required": True, "help": "an entry of `releases` in downloads.yaml, e.g. spair"},
    "variant": {"required": True, "help": "an entry of `variants` in params.yaml, e.g. ours"},
    "backbone": {"help": "an entry of `features.backbones` in params.yaml (default: the first of `backbones`)"},
    "category": {"required": True, "help": "a category of the dataset, e.g. car"},
    "seed": {"type": int, "help": "seed of the training (default: the first of `seeds`)"},
}


def _parser(description: str | None, *options: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    for name in options:
        parser.add_argument(f"--{name}", **_OPTIONS[name])
    parser.add_argument("--root", type=Path, default=Path(), help="folder with params.yaml (default: this one)")
    return parser

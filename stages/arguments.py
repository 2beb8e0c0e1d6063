"""What every stage's command line has in common."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.base.files import DISK_FULL
from pipeline.config.categories import check_category
from pipeline.config.cells import Cell, resolve, resolve_features
from pipeline.config.params import Params, load_params
from pipeline.config.workspace import Workspace


def parse_run(description: str | None, arguments: Sequence[str] | None = None) -> Workspace:
    """Parse `--root` (the folder with `params.yaml`; by default the current one) of a stage that runs once.

    Args:
        description: the stage's docstring, for `--help`.
        arguments: the command line; by default that of the process.

    Raises:
        InputError: there is no parameter file, or it is not valid.
    """
    found = _parser(description).parse_args(arguments)
    params = _load(found)
    return Workspace(found.root, params)


def parse_category(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str]:
    """Parse `--category` and `--root` of a stage that has a cell for each category.

    Raises:
        InputError: as `parse_run`, or the category is unknown.
    """
    found = _parser(description, "category").parse_args(arguments)
    params = _load(found)
    return Workspace(found.root, params), check_category(found.category)


def parse_release(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str]:
    """Parse `--release` and `--root`; whether there is such a release is for the reader of downloads.yaml to say.

    Raises:
        InputError: as `parse_run`.
    """
    found = _parser(description, "release").parse_args(arguments)
    params = _load(found)
    return Workspace(found.root, params), found.release


def parse_models(
    description: str | None, arguments: Sequence[str] | None = None
) -> tuple[Workspace, tuple[str, ...], bool]:
    """Parse names of models, `--list` and `--root`.

    Returns:
        The workspace, the models that are named, and whether all are just to be listed.

    Raises:
        InputError: as `parse_run`.
    """
    parser = _parser(description)
    parser.add_argument("models", nargs="*", metavar="model", help="an entry of `weights` in downloads.yaml")
    parser.add_argument("--list", action="store_true", help="show all models with size and licence")
    found = parser.parse_args(arguments)
    params = _load(found)
    return Workspace(found.root, params), tuple(found.models), found.list


def parse_backbone(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, str, str]:
    """Parse `--backbone`, `--category` and `--root`; the parameters have the backbone's changes.

    Returns:
        The workspace with the backbone's parameters, the backbone and the category.

    Raises:
        InputError: as `parse_category`, or the backbone is unknown.
    """
    found = _parser(description, "backbone", "category").parse_args(arguments)
    params = _load(found)
    backbone = found.backbone or params.backbones[0]
    params = resolve_features(params, backbone)
    return Workspace(found.root, params), backbone, check_category(found.category)


def parse_cell(description: str | None, arguments: Sequence[str] | None = None) -> tuple[Workspace, Cell]:
    """Parse a cell and `--root`; the parameters are those of the cell.

    Raises:
        InputError: as `parse_backbone`, or the variant is unknown.
    """
    found = _parser(description, "variant", "backbone", "category", "seed").parse_args(arguments)
    params = _load(found)
    seed = params.seeds[0] if found.seed is None else found.seed
    cell = Cell(found.variant, found.backbone or params.backbones[0], found.category, seed)
    params = resolve(params, cell)
    return Workspace(found.root, params), cell


def run_stage(main: Callable[[], None]) -> None:
    """Run a stage; an error that its user can mend is one message on stderr and exit code 1."""
    try:
        main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(1) from None
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        print(f"error: {error}. Free some space and run this again; what was finished is kept.", file=sys.stderr)
        raise SystemExit(1) from None


_OPTIONS = {
    "release": {"required": True, "help": "an entry of `releases` in downloads.yaml, e.g. spair"},
    "variant": {"required": True, "help": "an entry of `variants` in params.yaml, e.g. ours"},
    "backbone": {"help": "an entry of `features.backbones` in params.yaml (default: the first of `backbones`)"},
    "category": {"required": True, "help": "one of the ten categories, e.g. car"},
    "seed": {"type": int, "help": "seed of the training (default: the first of `seeds`)"},
}


def _parser(description: str | None, *options: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=description)
    for name in options:
        parser.add_argument(f"--{name}", **_OPTIONS[name])
    parser.add_argument("--root", type=Path, default=Path(), help="folder with params.yaml (default: this one)")
    return parser


def _load(found: argparse.Namespace) -> Params:
    return load_params(found.root / "params.yaml")

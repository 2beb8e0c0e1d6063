"""The model bundle: one folder with all that the answers of a trained category depend on.

| file | content |
|---|---|
| `bundle.json` | format, version and cell |
| `model.safetensors`, `model.json` | weights, and the sizes of the networks |
| `pca.safetensors` | principal components of the features |
| `foreground.safetensors` | what tells the object from its background |
| `calibration.json` | what probabilities of matches are computed from; only of a model that was evaluated |
| `params.yaml` | the parameters of the cell, without paths |
| `downloads.yaml` | address, size and hash of the network that computes the features |
| `README.md` | the model card |
| `SHA256SUMS` | checksums of all of them |

Equal cells give equal bytes, on any machine. Nothing in a bundle is executed when it is read.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.checksums import CHECKSUMS, checked, read_checksums, write_checksums
from pipeline.base.contents import parsing
from pipeline.base.errors import InputError
from pipeline.base.files import sha256, write_bytes, write_json, write_text
from pipeline.base.yaml_text import to_yaml
from pipeline.config.cells import Cell, resolve
from pipeline.config.label_params import model_of
from pipeline.config.parsing import to_dict
from pipeline.config.workspace import Workspace
from pipeline.downloads.pins import find_weights, read_pins
from pipeline.exporting.model_card import model_card
from pipeline.exporting.standalone import standalone_parameters
from pipeline.model.saved import DESCRIPTION, WEIGHTS

MANIFEST = "bundle.json"
"""Name of the file by which a folder is known as a bundle."""
FORMAT, VERSION = "semagic-bundle", 1
REQUIRED = (WEIGHTS, DESCRIPTION, "pca.safetensors", "foreground.safetensors", "params.yaml", "downloads.yaml")
REMEDY = "Export the model again: semagic export CELL --to FOLDER."


class Bundle(NamedTuple):
    """Where the parts of a bundle lie, after all of them have been compared with their checksums."""

    cell: Cell
    params: Path
    pca: Path
    calibration: Path | None
    """None where the model was not evaluated, so that its matches have no probabilities."""


def write_bundle(workspace: Workspace, cell: Cell, folder: Path) -> None:
    """Write the bundle of a trained cell into a new folder.

    Args:
        workspace: with the parameters of the file, not of the cell.

    Raises:
        InputError: the cell is not trained, or one of its files is damaged.
    """
    for path in bundle_parts(workspace, cell):
        if not path.is_file():
            raise InputError(f"{path}: expected a part of the trained cell {cell.name}, found none. Run `dvc repro`.")
        write_bytes(folder / path.name, checked(path).read_bytes())
    resolved = Workspace(workspace.root, resolve(workspace.params, cell))
    write_text(folder / "params.yaml", to_yaml(standalone_parameters(workspace.params, cell)))
    write_text(folder / "downloads.yaml", to_yaml(_pins(resolved)))
    write_json(folder / MANIFEST, {"format": FORMAT, "version": VERSION, "cell": cell._asdict()})
    write_text(folder / "README.md", model_card(resolved, cell))
    write_checksums(folder)


def bundle_parts(workspace: Workspace, cell: Cell) -> list[Path]:
    """The files of a run that a bundle is made of; the calibration only where there is one."""
    pca, foreground = (part(cell.backbone, cell.category) for part in (workspace.pca, workspace.foreground))
    parts = [workspace.model(cell) / WEIGHTS, workspace.model(cell) / DESCRIPTION, pca, foreground]
    calibration = workspace.calibration(cell)
    return [*parts, calibration] if calibration.is_file() else parts


def is_bundle(folder: Path) -> bool:
    """Whether a folder says that it is a bundle."""
    return (folder / MANIFEST).is_file()


def open_bundle(folder: Path) -> Bundle:
    """Check a bundle before anything of it is used.

    Raises:
        InputError: it is of a newer version, a file of it is missing, or one has been changed.
    """
    # The version first: a newer bundle may have other files.
    manifest = folder / MANIFEST
    with parsing(manifest, "the description of a model bundle as JSON"):
        content = json.loads(manifest.read_text(encoding="utf-8"))
        version = _version(content)
        if version > VERSION:
            raise InputError(
                f"{manifest}: expected a bundle of version {VERSION} or earlier, found version {version}. It was made "
                "by a newer semagic: update this one."
            )
        cell = Cell(**content["cell"])
    _check_files(folder)
    calibration = folder / "calibration.json"
    return Bundle(
        cell, folder / "params.yaml", folder / "pca.safetensors", calibration if calibration.exists() else None
    )


def _version(content: Any) -> int:
    if content["format"] != FORMAT or not isinstance(content["version"], int) or content["version"] < 1:
        raise ValueError(f"the format '{content['format']}', version {content['version']}")
    return content["version"]


def _check_files(folder: Path) -> None:
    try:
        sums = read_checksums(folder)
    except InputError as error:
        raise InputError(f"{folder}: expected a model bundle with its checksums ({error}) {REMEDY}") from None
    for name in (*REQUIRED, MANIFEST, *sums):
        path = folder / name
        if not path.is_file():
            raise InputError(f"{path}: expected a part of the model bundle, found no file. {REMEDY}")
        found = sha256(path)
        if sums.get(name) != found:
            stated = f"the content of SHA-256 {sums[name]}" if name in sums else f"a file that {CHECKSUMS} lists"
            raise InputError(
                f"{path}: expected {stated}, found SHA-256 {found}: the bundle was damaged or changed. Copy it again "
                f"from where you have it, or: {REMEDY}"
            )


def _pins(workspace: Workspace) -> dict[str, Any]:
    """The entry of downloads.yaml for the network that computes the features, if there is one."""
    model = model_of(workspace.params.features)
    if model is None:
        return {"releases": {}, "weights": {}}
    entry = to_dict(find_weights(read_pins(workspace.pins), model))
    return {"releases": {}, "weights": {model: {key: value for key, value in entry.items() if value is not None}}}

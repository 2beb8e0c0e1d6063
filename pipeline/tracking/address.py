"""Address of the store of MLflow runs: a sqlite file at the repository's root, or what MLFLOW_TRACKING_URI says."""

import os
import re
from pathlib import Path

EXPERIMENT_WORKSPACES = Path(".dvc/tmp/exps")
"""Folder, inside the repository, of the temporary workspaces in which DVC runs queued experiments."""
SQLITE = re.compile(r"(?P<start>sqlite(?:\+\w+)?:///)(?P<path>(?!:memory:|file:)[^?]+)(?P<options>.*)")
"""Address of a database in a file. An address of sqlite with `file:` in it is left to sqlite."""
SCHEME = re.compile(r"[A-Za-z][\w+.-]*:")
KEYWORDS = ("databricks", "databricks-uc", "uc")
"""Addresses of MLflow that look like the name of a folder."""


def repository_root(root: Path) -> Path:
    """Find the absolute folder that holds the tracking file.

    It is `DVC_ROOT` if set, otherwise `root`. Inside a temporary workspace of DVC it is the enclosing repository.
    """
    path = Path(os.environ.get("DVC_ROOT") or root).resolve()
    for parent in path.parents:
        if path.is_relative_to(parent / EXPERIMENT_WORKSPACES):
            return parent
    return path


def tracking_address(root: Path) -> str:
    """Return the address of the store for a run in `root`, the folder of `params.yaml`.

    A relative path in it starts at the repository's root. The working directory may be a temporary workspace of DVC,
    which is deleted with everything in it.
    """
    repository = repository_root(root)
    address = os.environ.get("MLFLOW_TRACKING_URI") or "sqlite:///mlflow.db"
    if match := SQLITE.fullmatch(address):
        return f"{match['start']}{repository / match['path']}{match['options']}"
    if address.startswith("file:") and not address.startswith("file:/"):
        return f"{repository.as_uri()}/{address.removeprefix('file:')}"
    if SCHEME.match(address) or address in KEYWORDS:
        return address
    return str(repository / address)


def database_of(address: str) -> Path | None:
    """Return the sqlite file that an address with an absolute path means. None for a server, a folder and so on."""
    match = SQLITE.fullmatch(address)
    return Path(match["path"]) if match else None

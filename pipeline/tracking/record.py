"""Identity and parameters of one MLflow run."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from pipeline.base.files import sha256
from pipeline.tracking.data_used import DataUsed
from pipeline.tracking.experiment_summary import ExperimentSummary
from pipeline.tracking.redaction import without_secrets

LONGEST_PARAM = 6000
"""Maximum number of characters of a parameter that MLflow accepts."""


class Value(NamedTuple):
    """Value of one metric at one step."""

    name: str
    value: float
    step: int
    milliseconds: int
    """Time stamp in milliseconds since the Unix epoch."""


@dataclass(frozen=True)
class Record:
    """Identity of one MLflow run: a cell of a stage, with one configuration and one set of inputs."""

    kind: str
    """Kind of run: 'instances', 'training', 'evaluation', 'baselines', 'reconstruction' or 'report'."""
    stage: str
    """Name of the DVC stage."""
    cell: Mapping[str, str | int]
    """Dimensions of the stage's matrix and their values, such as variant, backbone, category and seed."""
    config: Mapping[str, Any]
    """Nested plain parameters that decide the result."""
    data_sha256: str
    """Hash of the inputs."""
    data: Sequence[DataUsed] = ()
    """Data sets that MLflow shows beside the run; no part of its identity."""
    summary: ExperimentSummary | None = None
    """What the run says of the whole experiment, for the parent run; its files go there too."""

    @property
    def name(self) -> str:
        """DVC's name of the cell, for instance 'train@ours-dinov2-car-0'."""
        cell = "-".join(map(str, self.cell.values()))
        return f"{self.stage}@{cell}" if cell else self.stage

    @property
    def key(self) -> dict[str, str]:
        """Tags that identify the run of this record."""
        canonical = json.dumps(self.config, sort_keys=True)
        return {
            "config.sha256": hashlib.sha256(canonical.encode()).hexdigest(),
            "data.sha256": self.data_sha256,
            "dvc.stage": self.name,
        }

    @property
    def tags(self) -> dict[str, str]:
        """Tags of the run: its key, its kind and the dimensions of its cell."""
        return {**self.key, "kind": self.kind, **{name: str(value) for name, value in self.cell.items()}}

    @property
    def params(self) -> dict[str, str]:
        """Parameters of the run by their dotted names, as text without secrets."""
        leaves = flatten(self.config).items()
        return {name: without_secrets(str(value))[:LONGEST_PARAM] for name, value in leaves}


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Map the dotted name of each leaf of nested mappings to its value."""
    leaves = {}
    for name, value in nested.items():
        if isinstance(value, Mapping):
            leaves |= flatten(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def metric_name(name: str) -> str:
    """Replace the characters that MLflow does not accept in a name: 'PCK@0.1' becomes 'PCK_0.1'."""
    return re.sub(r"[^\w./: -]", "_", name)


def inputs_sha256(paths: Iterable[Path]) -> str:
    """Hash the content of files and folders, including file names relative to a folder but not the folder's path."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(path).as_posix()} {sha256(file)}\n".encode())
    return digest.hexdigest()

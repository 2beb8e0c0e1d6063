"""The data set that a run has used, as MLflow shows it beside its metrics."""

import json
from typing import NamedTuple

from pipeline.base.checksums import checked, read_checksums
from pipeline.base.contents import parsing
from pipeline.config.workspace import Workspace
from pipeline.photographs.lists import read_instances
from pipeline.tracking.reading import read_json


class DataUsed(NamedTuple):
    """One data set of one run, as text that can be sent to another process."""

    name: str
    context: str
    """'training' or 'evaluation'."""
    digest: str
    """Beginning of the SHA-256 of the list of photographs or pairs; MLflow takes 36 characters."""
    source: str
    """JSON that says where it comes from."""
    profile: str
    """JSON with its counts."""


def training_data(workspace: Workspace, category: str) -> tuple[DataUsed, ...]:
    """The photographs that a training of the category learns from; none where there is no list of them.

    Raises:
        InputError: the list is damaged.
    """
    path = workspace.instances(category)
    if not path.is_file():
        return ()
    digest = read_checksums(path.parent)[path.name]
    count = sum(1 for instance in read_instances(path) if instance.training)
    return (_used(workspace, category, "training", digest, {"photographs": count}),)


def evaluation_data(workspace: Workspace, category: str) -> tuple[DataUsed, ...]:
    """The evaluated pairs of the category; none where there is no summary of them.

    Raises:
        InputError: the summary is damaged.
    """
    path = workspace.instances_summary(category)
    if not path.is_file():
        return ()
    summary = read_json(checked(path))
    with parsing(path, "counts of pairs and photographs, and the digest of the pairs"):
        counts = {"pairs": int(summary["counts"]["pairs"]), "photographs": int(summary["counts"]["evaluation"])}
        return (_used(workspace, category, "evaluation", str(summary["pairs_sha256"]), counts),)


def _used(workspace: Workspace, category: str, context: str, digest: str, counts: dict[str, int]) -> DataUsed:
    data = workspace.params.data
    kind = "simulated" if data.generate else data.reader
    split = "training photographs" if context == "training" else f"split {data.evaluation_split}"
    place = data.folder if data.reader == "folder" else data.pascal3d if context == "training" else data.spair
    source = json.dumps({"path": place, "kind": kind, "simulation_seed": workspace.params.simulation.seed})
    return DataUsed(f"{category}, {split} ({kind})", context, digest[:36], source, json.dumps(counts))

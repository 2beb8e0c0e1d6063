"""The mask backends, and the masks of one category."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.base.checksums import checked, is_listed
from pipeline.config.workspace import Workspace
from pipeline.labels.job import make_job
from pipeline.labels.masks import (
    MaskBackend,
    MaskLabel,
    given,
    grabcut,
    sam,
    segment_anything,
    simulated,
    write_mask_label,
)
from pipeline.labels.masks.choice import SINGLE
from pipeline.labels.registry import files_of, make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.lists import read_instances
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance

BACKENDS: dict[str, Callable[[Workspace], MaskBackend]] = {
    "simulated": simulated.make,
    "grabcut": grabcut.make,
    "given": given.make,
    "sam": sam.make,
    "segment_anything": segment_anything.make,
}
"""Makers of the mask backends, by the names that `masks.backend` may have."""


class _Found(NamedTuple):
    """A mask, and the object that it is of."""

    label: MaskLabel
    instance: Instance


MASKS = Kind[_Found]("masks", ".png", lambda path, found: write_mask_label(path, *found), __name__, beside=(".json",))


def label_masks(workspace: Workspace, category: str) -> Summary:
    """Write a mask for each training and evaluation image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("masks", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[_Found]:
        masks = backend.masks([read_photo(workspace.root, instance) for instance in instances])
        return [_Found(*pair) for pair in zip(masks, instances, strict=True)]

    def inputs(instance: Instance) -> Sequence[Path]:
        return files_of(backend, instance)

    folder = workspace.masks(category)
    job = make_job(workspace, MASKS, folder, label, more_inputs=inputs)
    summary = label_images(job, read_instances(workspace.instances(category)))
    if singles := count_single(folder):
        print(f"masks {category}: {singles} of {summary.done} are the network's single mask (candidate {SINGLE})")
    return summary


def count_single(folder: Path) -> int:
    """Count the masks in a folder that are the network's one mask, taken where none of its three fitted the box."""
    beside = (mask.with_suffix(".json") for mask in folder.glob("*.png"))
    said = (json.loads(checked(path).read_text(encoding="utf-8")) for path in beside if is_listed(path))
    return sum(answer["candidate"] == SINGLE for answer in said)

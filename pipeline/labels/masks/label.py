"""The mask backends, and the masks of one category."""

from collections.abc import Callable, Sequence
from pathlib import Path

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
MASKS = Kind("masks", ".png", write_mask_label, __name__)


def label_masks(workspace: Workspace, category: str) -> Summary:
    """Write a mask for each training and evaluation image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("masks", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[MaskLabel]:
        return backend.masks([read_photo(workspace.root, instance) for instance in instances])

    def inputs(instance: Instance) -> Sequence[Path]:
        return files_of(backend, instance)

    job = make_job(workspace, MASKS, workspace.masks(category), label, more_inputs=inputs)
    return label_images(job, read_instances(workspace.instances(category)))

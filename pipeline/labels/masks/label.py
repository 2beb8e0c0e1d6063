"""The mask backends, and the masks of one category."""

from collections.abc import Callable, Sequence

from pipeline.config.workspace import Workspace
from pipeline.labels.job import make_job
from pipeline.labels.masks import MaskBackend, MaskLabel, write_mask_label
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.masks.sam import SamMasks
from pipeline.labels.masks.segment_anything import SegmentAnythingMasks
from pipeline.labels.masks.simulated import SimulatedMasks
from pipeline.labels.registry import make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance
from pipeline.photographs.tables import read_instances
from pipeline.pretrained.weights import label_device, weights_folder


def _simulated(workspace: Workspace) -> MaskBackend:
    return SimulatedMasks(workspace.params.masks.simulated, workspace.params.simulation.seed)


def _grabcut(workspace: Workspace) -> MaskBackend:
    return GrabCutMasks(workspace.params.masks.grabcut)


def _sam(workspace: Workspace) -> MaskBackend:
    masks = workspace.params.masks
    return SamMasks(masks, weights_folder(workspace, masks.sam.model), label_device(workspace))


def _segment_anything(workspace: Workspace) -> MaskBackend:
    masks = workspace.params.masks
    folder = weights_folder(workspace, masks.segment_anything.model)
    return SegmentAnythingMasks(masks, folder, label_device(workspace))


BACKENDS: dict[str, Callable[[Workspace], MaskBackend]] = {
    "simulated": _simulated,
    "grabcut": _grabcut,
    "sam": _sam,
    "segment_anything": _segment_anything,
}
"""What `masks.backend` may name."""
MASKS = Kind("masks", ".png", write_mask_label, __name__)


def label_masks(workspace: Workspace, category: str) -> Summary:
    """Write a mask for each training and evaluation image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("masks", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[MaskLabel]:
        return backend.masks([read_photo(workspace.root, instance) for instance in instances])

    job = make_job(workspace, MASKS, workspace.masks(category), label)
    return label_images(job, read_instances(workspace.instances(category)))

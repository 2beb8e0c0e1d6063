"""The pose backends, and the pose labels of one category."""

from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.config.workspace import Workspace
from pipeline.labels.job import make_job
from pipeline.labels.masks import read_mask_label
from pipeline.labels.poses import PoseBackend, PoseLabel, given, orient_anything, simulated, unknown, write_pose
from pipeline.labels.registry import files_of, make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance

BACKENDS: dict[str, Callable[[Workspace], PoseBackend]] = {
    "simulated": simulated.make,
    "orient_anything": orient_anything.make,
    "given": given.make,
    "unknown": unknown.make,
}
"""Makers of the pose backends, by the names that `poses.backend` may have."""
POSES = Kind("poses", ".json", write_pose, __name__)


def label_poses(workspace: Workspace, category: str) -> Summary:
    """Write the orientation of each training image of `category`; an image without a mask is skipped.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("poses", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[PoseLabel]:
        masks = [read_mask_label(workspace.mask(instance)) for instance in instances]
        return backend.poses([read_photo(workspace.root, instance) for instance in instances], masks)

    def inputs(instance: Instance) -> Sequence[Path]:
        return [workspace.mask(instance), *files_of(backend, instance)]

    job = make_job(workspace, POSES, workspace.poses(category), label, more_inputs=inputs)
    return label_images(job, workspace.training_instances(category))

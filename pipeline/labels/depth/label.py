"""The depth backends, and the depth labels of one category."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.config.workspace import Workspace
from pipeline.labels.depth import DepthBackend, depth_anything, simulated, unknown, write_depth
from pipeline.labels.job import make_job
from pipeline.labels.registry import make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance

BACKENDS: dict[str, Callable[[Workspace], DepthBackend]] = {
    "simulated": simulated.make,
    "depth_anything": depth_anything.make,
    "unknown": unknown.make,
}
"""Makers of the depth backends, by the names that `depth.backend` may have."""
DEPTH = Kind("depth", ".npy", write_depth, __name__)


def label_depth(workspace: Workspace, category: str) -> Summary:
    """Write relative depth for each training image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("depth", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[np.ndarray]:
        return backend.disparities([read_photo(workspace.root, instance) for instance in instances])

    job = make_job(workspace, DEPTH, workspace.depth(category), label)
    return label_images(job, workspace.training_instances(category))

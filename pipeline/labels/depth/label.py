"""The depth backends, and the depth labels of one category."""

from collections.abc import Callable, Sequence

import numpy as np

from pipeline.config.workspace import Workspace
from pipeline.labels.depth import DepthBackend, write_depth
from pipeline.labels.depth.depth_anything import DepthAnything
from pipeline.labels.depth.simulated import SimulatedDepth
from pipeline.labels.job import make_job
from pipeline.labels.registry import make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance
from pipeline.pretrained.weights import label_device, weights_folder


def _simulated(workspace: Workspace) -> DepthBackend:
    return SimulatedDepth(workspace.params.depth.simulated, workspace.params.simulation.seed)


def _depth_anything(workspace: Workspace) -> DepthBackend:
    settings = workspace.params.depth.depth_anything
    return DepthAnything(settings, weights_folder(workspace, settings.model), label_device(workspace))


BACKENDS: dict[str, Callable[[Workspace], DepthBackend]] = {
    "simulated": _simulated,
    "depth_anything": _depth_anything,
}
"""What `depth.backend` may name."""
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

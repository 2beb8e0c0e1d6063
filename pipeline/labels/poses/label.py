"""The pose backends, and the pose labels of one category."""

from collections.abc import Callable, Sequence

from pipeline.config.workspace import Workspace
from pipeline.labels.job import make_job
from pipeline.labels.poses import PoseBackend, PoseLabel, write_pose
from pipeline.labels.poses.simulated import SimulatedPoses
from pipeline.labels.poses.unknown import UnknownPoses
from pipeline.labels.registry import make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.images import read_mask
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance
from pipeline.pretrained.weights import label_device, weights_folder


def _simulated(workspace: Workspace) -> PoseBackend:
    return SimulatedPoses(workspace.params.poses.simulated, workspace.params.simulation.seed)


def _orient_anything(workspace: Workspace) -> PoseBackend:
    settings = workspace.params.poses.orient_anything
    folder = weights_folder(workspace, settings.model)
    # Here, because torch takes seconds to load, for which neither simulated labels nor an error should wait.
    from pipeline.labels.poses.orient_anything.backend import OrientAnything

    return OrientAnything(settings, folder, label_device(workspace))


def _unknown(workspace: Workspace) -> PoseBackend:
    return UnknownPoses()


BACKENDS: dict[str, Callable[[Workspace], PoseBackend]] = {
    "simulated": _simulated,
    "orient_anything": _orient_anything,
    "unknown": _unknown,
}
"""What `poses.backend` may name."""
POSES = Kind("poses", ".json", write_pose, __name__)


def label_poses(workspace: Workspace, category: str) -> Summary:
    """Write the orientation of each training image of `category`; an image without a mask is skipped.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = make_backend("poses", BACKENDS, workspace)

    def label(instances: Sequence[Instance]) -> list[PoseLabel]:
        masks = [read_mask(workspace.mask(instance)) for instance in instances]
        return backend.poses([read_photo(workspace.root, instance) for instance in instances], masks)

    job = make_job(
        workspace,
        POSES,
        workspace.poses(category),
        label,
        more_inputs=lambda instance: [workspace.mask(instance)],
    )
    return label_images(job, workspace.training_instances(category))

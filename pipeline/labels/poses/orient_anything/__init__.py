"""Orient Anything V2 (Wang et al., 2025): which way an object in a photograph faces."""

from pipeline.config.workspace import Workspace
from pipeline.labels.poses import PoseBackend
from pipeline.pretrained.weights import label_device, weights_folder


def make(workspace: Workspace) -> PoseBackend:
    """Orient Anything V2 with the weights that `poses.orient_anything.model` names.

    Raises:
        InputError: the weights are missing or damaged, or there is no such device.
    """
    settings = workspace.params.poses.orient_anything
    folder = weights_folder(workspace, settings.model)
    # Here, because torch takes seconds to load, for which neither simulated labels nor an error should wait.
    from pipeline.labels.poses.orient_anything.backend import OrientAnything

    return OrientAnything(settings, folder, label_device(workspace))

"""The feature backends, and the patch features of one category."""

from collections.abc import Callable, Sequence

from pipeline.config.workspace import Workspace
from pipeline.labels.features import FeatureBackend, Tokens, dinov2, sift, simulated, write_tokens
from pipeline.labels.job import make_job
from pipeline.labels.registry import make_backend
from pipeline.labels.run import Kind, Summary, label_images
from pipeline.photographs.crops import square_crop
from pipeline.photographs.lists import read_instances
from pipeline.photographs.photo import read_photo
from pipeline.photographs.records import Instance

BACKENDS: dict[str, Callable[[Workspace], FeatureBackend]] = {
    "simulated": simulated.make,
    "sift": sift.make,
    "dinov2": dinov2.make,
}
"""Makers of the feature backends, by the names that `features.backend` may have."""
FEATURES = Kind("features", ".npz", write_tokens, __name__)


def label_features(workspace: Workspace, backbone: str, category: str) -> Summary:
    """Write patch features for each image of `category`, and those of the mirrored crop for training images.

    Args:
        workspace: with the parameters of the backbone (`pipeline.config.cells.resolve_features`).

    Raises:
        InputError: the backend is unknown, or not one image could be described.
    """
    backend, margin = make_backend("features", BACKENDS, workspace), workspace.params.data.crop_margin

    def label(instances: Sequence[Instance]) -> list[Tokens]:
        photos = [read_photo(workspace.root, instance) for instance in instances]
        crops = [square_crop(instance.box, margin) for instance in instances]
        training = [i for i, instance in enumerate(instances) if instance.training]
        mirrored = backend.token_maps([photos[i] for i in training], [crops[i] for i in training], flip=True)
        flipped = dict(zip(training, mirrored, strict=True))
        tokens = backend.token_maps(photos, crops, flip=False)
        return [Tokens(own, flipped.get(i)) for i, own in enumerate(tokens)]

    job = make_job(
        workspace,
        FEATURES,
        workspace.features(backbone, category),
        label,
        more_settings={"crop_margin": margin},
    )
    return label_images(job, read_instances(workspace.instances(category)))

"""The feature backends, and the patch features of one category."""

from collections.abc import Sequence

from pipeline.crops import square_crop
from pipeline.data.instances import read_instances
from pipeline.device import choose_device
from pipeline.labels.features import Tokens, write_tokens
from pipeline.labels.features.benchmark import BenchmarkFeatures
from pipeline.labels.features.dinov2 import DinoV2Features
from pipeline.labels.features.sift import SiftFeatures
from pipeline.labels.job import make_job
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pretrained.weights import weights_folder
from pipeline.records import Instance

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkFeatures(
        params.features.benchmark, params.features.grid, params.benchmark.seed
    ),
    "sift": lambda params, layout: SiftFeatures(params.features.sift, params.features.grid),
    "dinov2": lambda params, layout: DinoV2Features(
        params.features.dinov2,
        params.features.grid,
        weights_folder(layout, params.features.dinov2.model),
        choose_device(params.pretrained.device, "pretrained.device"),
    ),
}


def label_features(params: Params, layout: Layout, backbone: str, category: str) -> Summary:
    """Write patch features for each image of `category`, and those of the mirrored crop for training images.

    Args:
        params: those of the backbone (`pipeline.cells.resolve_features`).

    Raises:
        InputError: the backend is unknown, or not one image could be described.
    """
    backend = choose("features.backend", BACKENDS, params.features.backend)(params, layout)

    def label(instances: Sequence[Instance]) -> list[Tokens]:
        photos = [read_photo(layout.root, instance) for instance in instances]
        crops = [square_crop(instance.box, params.data.crop_margin) for instance in instances]
        training = [i for i, instance in enumerate(instances) if instance.split == "train"]
        mirrored = backend.token_maps([photos[i] for i in training], [crops[i] for i in training], flip=True)
        flipped = dict(zip(training, mirrored, strict=True))
        tokens = backend.token_maps(photos, crops, flip=False)
        return [Tokens(own, flipped.get(i)) for i, own in enumerate(tokens)]

    job = make_job(
        params,
        layout,
        params.features,
        layout.features(backbone, category),
        ".npz",
        label,
        write_tokens,
        more_settings={"crop_margin": params.data.crop_margin},
    )
    return label_images(job, read_instances(layout.instances(category)))

"""The feature backends, and the patch features of one category."""

from pipeline.crops import square_crop
from pipeline.data.instances import read_instances
from pipeline.labels.features import Tokens, write_tokens
from pipeline.labels.features.benchmark import BenchmarkFeatures
from pipeline.labels.features.sift import SiftFeatures
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.records import Instance
from pipeline.typed import to_dict

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkFeatures(
        params.features.benchmark, params.features.grid, layout.truth, params.benchmark.seed
    ),
    "sift": lambda params, layout: SiftFeatures(params.features.sift, params.features.grid),
}


def label_features(params: Params, layout: Layout, backbone: str, category: str) -> Summary:
    """Write patch features for each image of `category`, and those of the mirrored crop for training images.

    Args:
        params: those of the backbone (`pipeline.cells.resolve_features`).

    Raises:
        InputError: the backend is unknown, or not one image could be described.
    """
    settings = {name: value for name, value in to_dict(params.features).items() if name != "backbones"}
    backend = choose("features.backend", BACKENDS, params.features.backend)(params, layout)

    def label(instance: Instance) -> Tokens:
        photo = read_photo(layout.root, instance)
        crop = square_crop(instance.box, params.data.crop_margin)
        flipped = backend.tokens(photo, crop, flip=True) if instance.split == "train" else None
        return Tokens(backend.tokens(photo, crop, flip=False), flipped)

    return label_images(
        "features",
        read_instances(layout.instances(category)),
        layout.features(backbone, category),
        ".npz",
        {**settings, "seed": params.benchmark.seed, "crop_margin": params.data.crop_margin},
        label,
        write_tokens,
    )

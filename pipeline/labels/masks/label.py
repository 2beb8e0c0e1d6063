"""The mask backends, and the masks of one category."""

from pipeline.data.instances import read_instances
from pipeline.images import write_mask
from pipeline.labels.masks import nonempty_mask
from pipeline.labels.masks.benchmark import BenchmarkMasks
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.typed import to_dict

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkMasks(params.masks.benchmark, layout.truth, params.benchmark.seed),
    "grabcut": lambda params, layout: GrabCutMasks(params.masks.grabcut),
}


def label_masks(params: Params, layout: Layout, category: str) -> Summary:
    """Write a mask for each training and evaluation image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("masks.backend", BACKENDS, params.masks.backend)(params, layout)
    return label_images(
        "masks",
        read_instances(layout.instances(category)),
        layout.masks(category),
        ".png",
        {**to_dict(params.masks), "seed": params.benchmark.seed},
        lambda instance: nonempty_mask(backend, read_photo(layout.root, instance)),
        write_mask,
    )

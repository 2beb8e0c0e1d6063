"""The depth backends, and the depth labels of one category."""

from pipeline.data.instances import read_instances
from pipeline.labels.depth import write_depth
from pipeline.labels.depth.benchmark import BenchmarkDepth
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.typed import to_dict

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkDepth(params.depth.benchmark, layout.truth, params.benchmark.seed),
}


def label_depth(params: Params, layout: Layout, category: str) -> Summary:
    """Write relative depth for each training image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("depth.backend", BACKENDS, params.depth.backend)(params, layout)
    return label_images(
        "depth",
        [instance for instance in read_instances(layout.instances(category)) if instance.split == "train"],
        layout.depth(category),
        ".npy",
        {**to_dict(params.depth), "seed": params.benchmark.seed},
        lambda instance: backend.disparity(read_photo(layout.root, instance)),
        write_depth,
    )

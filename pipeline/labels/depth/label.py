"""The depth backends, and the depth labels of one category."""

from collections.abc import Sequence

import numpy as np

from pipeline.data.instances import read_instances
from pipeline.device import choose_device
from pipeline.labels.depth import write_depth
from pipeline.labels.depth.benchmark import BenchmarkDepth
from pipeline.labels.depth.depth_anything import DepthAnything
from pipeline.labels.job import make_job
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pretrained.weights import weights_folder
from pipeline.records import Instance

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkDepth(params.depth.benchmark, params.benchmark.seed),
    "depth_anything": lambda params, layout: DepthAnything(
        params.depth.depth_anything,
        weights_folder(layout, params.depth.depth_anything.model),
        choose_device(params.pretrained.device, "pretrained.device"),
    ),
}


def label_depth(params: Params, layout: Layout, category: str) -> Summary:
    """Write relative depth for each training image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("depth.backend", BACKENDS, params.depth.backend)(params, layout)

    def label(instances: Sequence[Instance]) -> list[np.ndarray]:
        return backend.disparities([read_photo(layout.root, instance) for instance in instances])

    job = make_job(params, layout, params.depth, layout.depth(category), ".npy", label, write_depth)
    instances = read_instances(layout.instances(category))
    return label_images(job, [instance for instance in instances if instance.split == "train"])

"""The mask backends, and the masks of one category."""

from collections.abc import Sequence

from pipeline.data.instances import read_instances
from pipeline.device import choose_device
from pipeline.labels.job import make_job
from pipeline.labels.masks import MaskLabel, write_mask_label
from pipeline.labels.masks.benchmark import BenchmarkMasks
from pipeline.labels.masks.grabcut import GrabCutMasks
from pipeline.labels.masks.sam import SamMasks
from pipeline.labels.masks.segment_anything import SegmentAnythingMasks
from pipeline.labels.photo import read_photo
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pretrained.weights import weights_folder
from pipeline.records import Instance

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkMasks(params.masks.benchmark, params.benchmark.seed),
    "grabcut": lambda params, layout: GrabCutMasks(params.masks.grabcut),
    "sam": lambda params, layout: SamMasks(
        params.masks,
        weights_folder(layout, params.masks.sam.model),
        choose_device(params.pretrained.device, "pretrained.device"),
    ),
    "segment_anything": lambda params, layout: SegmentAnythingMasks(
        params.masks,
        weights_folder(layout, params.masks.segment_anything.model),
        choose_device(params.pretrained.device, "pretrained.device"),
    ),
}


def label_masks(params: Params, layout: Layout, category: str) -> Summary:
    """Write a mask for each training and evaluation image of `category`.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("masks.backend", BACKENDS, params.masks.backend)(params, layout)

    def label(instances: Sequence[Instance]) -> list[MaskLabel]:
        return backend.masks([read_photo(layout.root, instance) for instance in instances])

    job = make_job(params, layout, params.masks, layout.masks(category), ".png", label, write_mask_label)
    return label_images(job, read_instances(layout.instances(category)))

"""The pose backends, and the pose labels of one category."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.data.instances import read_instances
from pipeline.device import choose_device
from pipeline.images import read_mask
from pipeline.labels.job import make_job
from pipeline.labels.photo import read_photo
from pipeline.labels.poses import PoseBackend, PoseLabel, write_pose
from pipeline.labels.poses.benchmark import BenchmarkPoses
from pipeline.labels.poses.unknown import UnknownPoses
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.pretrained.weights import weights_folder
from pipeline.records import Instance


def _orient_anything(params: Params, layout: Layout) -> PoseBackend:
    settings = params.poses.orient_anything
    folder = weights_folder(layout, settings.model)
    # Here, because torch takes seconds to load, for which neither simulated labels nor an error should wait.
    from pipeline.labels.poses.orient_anything.backend import OrientAnything

    return OrientAnything(settings, folder, choose_device(params.pretrained.device, "pretrained.device"))


BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkPoses(params.poses.benchmark, params.benchmark.seed),
    "orient_anything": _orient_anything,
    "unknown": lambda params, layout: UnknownPoses(),
}


def label_poses(params: Params, layout: Layout, category: str) -> Summary:
    """Write the orientation of each training image of `category`; an image without a mask is skipped.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("poses.backend", BACKENDS, params.poses.backend)(params, layout)

    def mask_path(instance: Instance) -> Path:
        return layout.masks(category) / f"{instance.name}.png"

    def label(instances: Sequence[Instance]) -> list[PoseLabel]:
        masks = [read_mask(mask_path(instance)) for instance in instances]
        return backend.poses([read_photo(layout.root, instance) for instance in instances], masks)

    job = make_job(
        params,
        layout,
        params.poses,
        layout.poses(category),
        ".json",
        label,
        write_pose,
        more_inputs=lambda instance: [mask_path(instance)],
    )
    instances = read_instances(layout.instances(category))
    return label_images(job, [instance for instance in instances if instance.split == "train"])

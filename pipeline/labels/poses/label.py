"""The pose backends, and the pose labels of one category."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.data.instances import read_instances
from pipeline.images import read_mask
from pipeline.labels.photo import read_photo
from pipeline.labels.poses import PoseLabel, write_pose
from pipeline.labels.poses.benchmark import BenchmarkPoses
from pipeline.labels.registry import choose
from pipeline.labels.run import Job, Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.records import Instance
from pipeline.typed import to_dict

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkPoses(params.poses.benchmark, params.benchmark.seed),
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

    job = Job(
        kind="poses",
        folder=layout.poses(category),
        unfinished=layout.unfinished(layout.poses(category)),
        suffix=".json",
        settings={**to_dict(params.poses), "seed": params.benchmark.seed},
        inputs=lambda instance: [layout.root / instance.image, mask_path(instance)],
        label=label,
        write=write_pose,
        batch=params.pretrained.batch,
    )
    instances = read_instances(layout.instances(category))
    return label_images(job, [instance for instance in instances if instance.split == "train"])

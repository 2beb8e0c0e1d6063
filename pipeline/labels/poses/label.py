"""The pose backends, and the pose labels of one category."""

from pipeline.data.instances import read_instances
from pipeline.images import read_mask
from pipeline.labels.photo import read_photo
from pipeline.labels.poses import PoseLabel, write_pose
from pipeline.labels.poses.benchmark import BenchmarkPoses
from pipeline.labels.registry import choose
from pipeline.labels.run import Summary, label_images
from pipeline.layout import Layout
from pipeline.params import Params
from pipeline.records import Instance
from pipeline.typed import to_dict

BACKENDS = {
    "benchmark": lambda params, layout: BenchmarkPoses(params.poses.benchmark, layout.truth, params.benchmark.seed),
}


def label_poses(params: Params, layout: Layout, category: str) -> Summary:
    """Write the orientation of each training image of `category`; an image without a mask is skipped.

    Raises:
        InputError: the backend is unknown, or not one image could be labelled.
    """
    backend = choose("poses.backend", BACKENDS, params.poses.backend)(params, layout)

    def label(instance: Instance) -> PoseLabel:
        mask = read_mask(layout.masks(category) / f"{instance.name}.png")
        return backend.pose(read_photo(layout.root, instance), mask)

    return label_images(
        "poses",
        [instance for instance in read_instances(layout.instances(category)) if instance.split == "train"],
        layout.poses(category),
        ".json",
        {**to_dict(params.poses), "seed": params.benchmark.seed},
        label,
        write_pose,
    )

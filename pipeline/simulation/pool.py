"""The shapes of one category, numbered as its CAD models, and which images show which of them."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pipeline.base.errors import InputError
from pipeline.base.seeding import seeded
from pipeline.config.categories import CATEGORIES, check_category
from pipeline.config.params import Simulation
from pipeline.data.spair import SPLITS
from pipeline.simulation.cad_source import shape_source
from pipeline.simulation.picture import Specimen
from pipeline.simulation.semantics import mean_keypoints, semantic_coordinates
from pipeline.simulation.shapes.shape import Shape


class Assignment(NamedTuple):
    """One image to take."""

    name: str
    split: str
    """Split of the image: 'train', 'trn', 'val' or 'test'."""
    specimen: int
    """Index of the shape in the pool, from 0."""


def make_pool(category: str, params: Simulation, root: Path) -> list[Specimen]:
    """The training shapes and then the SPair-71k shapes of a category.

    The mean shape of the semantic coordinates is that of the training shapes.

    Args:
        root: folder that `simulation.cad_dir` is relative to.

    Raises:
        InputError: the category is unknown, or `simulation.cad_dir` has no usable models of it.
    """
    source = shape_source(category, params.cad_dir, params.cad_scale_std, root)
    count = params.train_shapes + params.pair_shapes
    shapes: list[Shape] = [source(seeded(params.seed, "shape", f"{category}/{i}")) for i in range(count)]
    mean = mean_keypoints(shapes[: params.train_shapes] or shapes)
    return [Specimen(shape, semantic_coordinates(shape, mean), i + 1) for i, shape in enumerate(shapes)]


def keypoint_names(pool: Sequence[Specimen]) -> tuple[str, ...]:
    """Names of a category's keypoints in alphabetical order: slot k of SPair-71k's `kps` is the k-th of them."""
    return tuple(sorted({name for specimen in pool for name in specimen.shape.keypoints}))


def assignments(category: str, params: Simulation) -> list[Assignment]:
    """The images of a category; the shapes of the four splits are disjoint, and take turns within a split.

    Raises:
        InputError: there are fewer shapes than splits that need them.
    """
    number = CATEGORIES[check_category(category)].id
    names = [f"n{number + 1:08d}_{i + 1}" for i in range(params.train_images)]
    if names and params.train_shapes < 1:
        raise InputError("simulation.train_shapes must be 1 or more for training images; found 0.")
    images = [Assignment(name, "train", i % params.train_shapes) for i, name in enumerate(names)]
    counts = (params.trn_images, params.val_images, params.test_images)
    taken = 0
    for split, count, shapes in zip(SPLITS, counts, _shares(params.pair_shapes, counts), strict=True):
        first = params.train_shapes + taken
        for i in range(count):
            name = f"2008_{10_000 * number + len(images) - len(names):06d}"
            images.append(Assignment(name, split, first + i % shapes))
        taken += shapes
    return images


def _shares(total: int, counts: Sequence[int]) -> list[int]:
    """Divide shapes in proportion to images, one or more to each split that has images."""
    splits = sum(count > 0 for count in counts)
    if total < splits:
        raise InputError(
            f"simulation.pair_shapes must be {splits} or more, as the images of each split show shapes of their own; "
            f"found {total}."
        )
    shares, seen, given = [], 0, 0
    for count in counts:
        seen += count
        up_to = (total - splits) * seen // max(sum(counts), 1)
        shares.append(up_to - given + (count > 0))
        given = up_to
    return shares

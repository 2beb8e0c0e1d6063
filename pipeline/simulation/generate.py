"""The embedded benchmark: both releases with the truth beside each photograph, for all categories of a run."""

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tqdm import tqdm

from pipeline.base.seeding import seeded
from pipeline.config.categories import CATEGORIES, symmetry_fold
from pipeline.config.params import Simulation
from pipeline.config.workspace import Workspace
from pipeline.data import pascal3d, spair
from pipeline.data.spair import SPLITS, ImageAnnotation, pair_list_path, write_pair_list
from pipeline.photographs.truth import truth_path, write_truth
from pipeline.rendering.rasterizer import Rasterizer, make_rasterizer
from pipeline.simulation import pascal3d_release, spair_release
from pipeline.simulation.folders import prepare
from pipeline.simulation.picture import Picture, Specimen, take_picture
from pipeline.simulation.pool import Assignment, assignments, keypoint_names, make_pool
from pipeline.simulation.viewpoints import sample_broad, sample_training

WORKERS = 2
PAIR_IDS = 100_000
"""Pair numbers reserved for a category in each split, so that those of a category do not depend on the others."""


class Counts(NamedTuple):
    """Numbers of things that were written."""

    models: int
    images: int
    pairs: int


def generate(workspace: Workspace) -> Counts:
    """Write the embedded benchmark; equal parameters give equal bytes.

    Raises:
        InputError: a folder holds something that the generator did not write, `simulation.cad_dir` has no usable models
            of a category, or there are too few shapes.
    """
    settings = workspace.params.simulation
    plans = {category: assignments(category, settings) for category in workspace.params.categories}
    # Shapes come first, so that a bad CAD model is reported before an earlier benchmark is cleared.
    pools = {category: make_pool(category, settings, workspace.root) for category in tqdm(plans, desc="shapes")}
    prepare((workspace.pascal3d, workspace.spair))
    pairs: dict[str, list[str]] = defaultdict(list)
    for category, pool in pools.items():
        for split, filenames in _generate_category(workspace, category, plans[category], pool).items():
            pairs[split] += filenames
    for split in SPLITS:
        write_pair_list(pair_list_path(workspace.spair, "large", split), pairs[split])
        write_pair_list(pair_list_path(workspace.spair, "small", split), spair_release.small(pairs[split]))
    return Counts(sum(map(len, pools.values())), sum(map(len, plans.values())), sum(map(len, pairs.values())))


def _generate_category(
    workspace: Workspace, category: str, plan: list[Assignment], pool: list[Specimen]
) -> dict[str, list[str]]:
    """Write the models, images and pairs of one category; returns the pairs of each split."""
    rasterizer, names = make_rasterizer("cpu", "cpu"), keypoint_names(pool)

    def write(assignment: Assignment) -> ImageAnnotation | None:
        picture = _picture(workspace.params.simulation, category, assignment, pool, rasterizer)
        name = assignment.name
        training = assignment.split == "train"
        photograph = (
            pascal3d.image_path(workspace.pascal3d, category, name)
            if training
            else spair.image_path(workspace.spair, category, name)
        )
        write_truth(truth_path(photograph), picture.truth(symmetry_fold(category)))
        if training:
            return pascal3d_release.write_picture(workspace.pascal3d, category, name, picture)
        pascal3d_release.write_pascal_annotation(workspace.pascal3d, category, name, picture)
        return spair_release.write_picture(workspace.spair, category, name, picture, names)

    pascal3d_release.write_models(workspace.pascal3d, category, pool)
    training = [assignment.name for assignment in plan if assignment.split == "train"]
    pascal3d_release.write_image_sets(workspace.pascal3d, category, training)
    with ThreadPoolExecutor(WORKERS) as workers:
        written = list(tqdm(workers.map(write, plan), desc=f"{category}: images", total=len(plan)))
    annotations: dict[str, dict[str, ImageAnnotation]] = {split: {} for split in SPLITS}
    for assignment, annotation in zip(plan, written, strict=True):
        if annotation is not None:
            annotations[assignment.split][assignment.name] = annotation
    return {split: _write_pairs(workspace, category, split, annotations[split]) for split in SPLITS}


def _write_pairs(workspace: Workspace, category: str, split: str, annotations: dict[str, ImageAnnotation]) -> list[str]:
    settings = workspace.params.simulation
    count = {"trn": settings.trn_pairs, "val": settings.val_pairs, "test": settings.test_pairs}[split]
    rng = seeded(settings.seed, "pairs", f"{category}/{split}")
    first_id = PAIR_IDS * CATEGORIES[category].id
    return spair_release.write_pairs(workspace.spair, split, annotations, count, first_id, rng)


def _picture(
    settings: Simulation, category: str, assignment: Assignment, pool: list[Specimen], rasterizer: Rasterizer
) -> Picture:
    rng = seeded(settings.seed, "photograph", f"{category}/{assignment.name}")
    if assignment.split == "train":
        angles = sample_training(category, rng)
    else:
        angles = sample_broad(category, rng, settings.broad_azimuth_share, settings.broad_spread)
    return take_picture(pool[assignment.specimen], angles, settings, rng, rasterizer)

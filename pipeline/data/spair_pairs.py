"""SPair-71k's pairs of one category and split, and the objects in their photographs."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.base.errors import InputError, nearest
from pipeline.config.categories import check_category
from pipeline.data import spair
from pipeline.data.coordinates import box_from_one_based, clip_box, from_one_based
from pipeline.data.reader import Found
from pipeline.photographs.records import Instance, Pair


def annotated_pairs(root: Path, split: str, category: str) -> tuple[Pair, ...]:
    """The pairs of one category in `Layout/large/<split>.txt`, in the order of the list.

    Boxes stay as annotated: the official PCK threshold is measured on them.

    Raises:
        InputError: category or split is unknown, the list or an annotation of it is missing or damaged, or there is
            no pair of the category.
    """
    check_category(category)
    if split not in spair.SPLITS:
        raise InputError(f"Unknown SPair-71k split '{split}'. {nearest(split, spair.SPLITS)}")
    listing = spair.pair_list_path(root, "large", split)
    filenames = [name for name in spair.read_pair_list(listing) if name.endswith(f":{category}")]
    if not filenames:
        raise InputError(
            f"{listing}: expected pairs of the category '{category}', found none. Take it out of `categories` in "
            "params.yaml, choose another data.evaluation_split, or write the benchmark for it (stage `data`)."
        )
    return tuple(_pair(spair.read_pair_annotation(spair.pair_path(root, split, filename))) for filename in filenames)


def check_truncation(root: Path, pairs: Iterable[Pair]) -> None:
    """Check that each pair's truncation code says what the annotations of its two images say, where they exist.

    Raises:
        InputError: a pair contradicts its images, so that it is not clear which pairs the paper's rule leaves.
    """
    truncated: dict[str, int | None] = {}
    for pair in pairs:
        for name in (pair.source, pair.target):
            path = spair.annotation_path(root, pair.category, name)
            if name not in truncated:
                truncated[name] = spair.read_image_annotation(path).truncated if path.is_file() else None
        source, target = truncated[pair.source], truncated[pair.target]
        if source is not None and target is not None and pair.truncation != source + 2 * target:
            raise InputError(
                f"{root}: the pair {pair.source} -> {pair.target} ({pair.category}) has the truncation code "
                f"{pair.truncation}, but its images are truncated: {source} and {target}, which is the code "
                f"{source + 2 * target}. Fetch its annotations again."
            )


def pair_instances(root: Path, category: str, names: Iterable[str], split: str) -> Found:
    """The annotated objects of the images `names`, whose boxes are clipped to the image.

    An object whose box lies wholly outside its image is skipped. SPair-71k annotates neither viewpoint nor CAD model;
    `pipeline.data.pascal_split` adds them.

    Raises:
        InputError: an image or its annotation is missing or damaged: leaving it out would change the benchmark.
    """
    instances, skipped = [], {}
    for name in sorted(set(names)):
        annotation = spair.read_image_annotation(spair.annotation_path(root, category, name))
        photo = spair.image_path(root, category, name)
        if not photo.is_file():
            raise InputError(
                f"{photo}: expected the photograph of {spair.annotation_path(root, category, name)}, found none. "
                "Restore it from the release's JPEGImages."
            )
        width, height = annotation.image_width, annotation.image_height
        box = clip_box(box_from_one_based(annotation.bndbox), width, height)
        if box is None:
            skipped[name] = f"box {list(annotation.bndbox)} outside the image of {width} x {height} pixels"
            continue
        instances.append(
            Instance(
                category=category,
                name=name,
                split=split,
                image=str(photo),
                width=width,
                height=height,
                box=box,
                truncated=bool(annotation.truncated),
                occluded=bool(annotation.occluded),
                difficult=bool(annotation.difficult),
                viewpoint=None,
                cad_index=None,
            )
        )
    return Found(tuple(instances), skipped, root)


def _pair(annotation: spair.PairAnnotation) -> Pair:
    return Pair(
        category=annotation.category,
        source=Path(annotation.src_imname).stem,
        target=Path(annotation.trg_imname).stem,
        keypoint_ids=annotation.kps_ids,
        source_keypoints=from_one_based(annotation.src_kps).reshape(-1, 2),
        target_keypoints=from_one_based(annotation.trg_kps).reshape(-1, 2),
        source_box=box_from_one_based(annotation.src_bndbox),
        target_box=box_from_one_based(annotation.trg_bndbox),
        truncation=annotation.truncation,
    )

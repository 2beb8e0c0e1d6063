"""SPair-71k's pairs of one category and split, and the objects in their photographs."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.base.errors import InputError, nearest
from pipeline.config.categories import check_category
from pipeline.data import spair
from pipeline.data.coordinates import box_from_one_based, clip_box, from_one_based
from pipeline.data.reader import Found, NoPairsError
from pipeline.data.spair_annotations import ImageAnnotation, PairAnnotation
from pipeline.data.spair_checks import check_agreement, problem
from pipeline.photographs.image_files import read_size
from pipeline.photographs.records import Instance, Pair


def annotated_pairs(root: Path, split: str, category: str) -> tuple[Pair, ...]:
    """The pairs of one category in `Layout/large/<split>.txt`, in the order of the list.

    Boxes stay as annotated: the official PCK threshold is measured on them. What a pair says of its two images has to
    be what their own annotations say, where these exist.

    Raises:
        InputError: category or split is unknown, the list or an annotation of it is missing or damaged, annotations
            contradict each other, or two images are paired twice.
        NoPairsError: there is no pair of the category.
    """
    check_category(category)
    if split not in spair.SPLITS:
        raise InputError(f"Unknown SPair-71k split '{split}'. {nearest(split, spair.SPLITS)}")
    listing = spair.pair_list_path(root, "large", split)
    filenames = [name for name in spair.read_pair_list(listing) if name.endswith(f":{category}")]
    if not filenames:
        raise NoPairsError(
            f"{listing}: expected pairs of the category '{category}', found none. Take it out of `categories` in "
            "params.yaml, choose another data.evaluation_split, or write the benchmark for it (stage `data`)."
        )
    images: dict[str, ImageAnnotation | None] = {}
    pairs: dict[tuple[str, str], Pair] = {}
    for filename in filenames:
        path = spair.pair_path(root, split, filename)
        annotation = spair.read_pair_annotation(path)
        pair = _pair(annotation)
        for name in (pair.source, pair.target):
            if name not in images:
                image = spair.annotation_path(root, category, name)
                images[name] = spair.read_image_annotation(image) if image.is_file() else None
        check_agreement(path, annotation, {"src": images[pair.source], "trg": images[pair.target]})
        if pairs.setdefault((pair.source, pair.target), pair) is not pair:
            raise InputError(
                f"{listing}: expected each pair of images once, found {pair.source} -> {pair.target} again in "
                f"{filename}. Restore the list from the release."
            )
    return tuple(pairs.values())


def pair_instances(root: Path, category: str, names: Iterable[str], split: str) -> Found:
    """The annotated objects of the images `names`, whose boxes are clipped to the image.

    An image whose box or keypoints make no sense is skipped (`pipeline.data.spair_checks.problem`). SPair-71k annotates
    neither viewpoint nor CAD model; `pipeline.data.pascal_split` adds them.

    Raises:
        InputError: an image or its annotation is missing or damaged, or the photograph has another size than its
            annotation says: leaving it out would change the benchmark.
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
        if (size := read_size(photo)) != (width, height):
            raise InputError(
                f"{photo}: expected {width} x {height} pixels, as its annotation says, found {size.width} x "
                f"{size.height}. Fetch the photograph that belongs to the annotation."
            )
        if reason := problem(annotation):
            skipped[name] = reason
            continue
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


def _pair(annotation: PairAnnotation) -> Pair:
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

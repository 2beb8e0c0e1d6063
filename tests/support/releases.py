"""Small releases in the form of PASCAL3D+ and SPair-71k, and the genuine files where they are at hand."""

import dataclasses
from pathlib import Path

import numpy as np

from pipeline.config.params import load_params
from pipeline.config.workspace import Workspace
from pipeline.data import pascal3d, spair
from pipeline.data.spair_annotations import KEYPOINT_SLOTS
from pipeline.photographs.image_files import write_image
from support.paths import ROOT

WIDTH, HEIGHT = 60, 40


VIEW = pascal3d.ViewpointRecord(
    azimuth=30.5,
    elevation=-4.25,
    theta=2.0,
    distance=5.5,
    focal=1.0,
    px=31.0,
    py=-3.5,
    viewport=3000.0,
    azimuth_coarse=45.0,
    elevation_coarse=0.0,
)
CAR = pascal3d.ObjectRecord(
    category="car",
    bbox=(11.0, 6.0, 41.0, 26.0),
    cad_index=3,
    anchors={"left_wheel": pascal3d.Anchor((12.5, 20.0), 1), "right_wheel": pascal3d.Anchor(None, 2)},
    viewpoint=VIEW,
    truncated=False,
    occluded=False,
    difficult=False,
)
IMAGE = spair.ImageAnnotation(
    filename="a.jpg",
    src_database="database",
    src_annotation="annotation",
    src_image="image",
    image_width=WIDTH,
    image_height=HEIGHT,
    image_depth=3,
    category="car",
    pose="Unspecified",
    truncated=0,
    occluded=0,
    difficult=0,
    bndbox=(11, 6, 41, 26),
    kps={str(i): (12 + i, 8) if i < 3 else None for i in range(KEYPOINT_SLOTS)},
    azimuth_id=0,
)


def workspace_of(root: Path, **data: object) -> Workspace:
    """The shipped parameters with changed entries of the section `data`."""
    params = load_params(ROOT / "params.yaml")
    data = {"pascal3d": "pascal3d", "spair": "spair", "evaluation_split": "test", **data}
    return Workspace(root, dataclasses.replace(params, data=dataclasses.replace(params.data, **data)))


def write_training(root: Path, objects: dict[str, tuple[pascal3d.ObjectRecord, ...]], category: str = "car") -> None:
    """A PASCAL3D+ with an image for each entry."""
    for name, items in objects.items():
        record = pascal3d.ImageRecord(f"{name}.JPEG", WIDTH, HEIGHT, items)
        pascal3d.write_record(pascal3d.annotation_path(root, category, name), record)
        photo = pascal3d.image_path(root, category, name)
        photo.parent.mkdir(parents=True, exist_ok=True)
        write_image(photo.with_suffix(".jpg"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        photo.with_suffix(".jpg").rename(photo)
    pascal3d.write_image_set(pascal3d.image_set_path(root, category, "train"), objects)


def write_pascal(root: Path, objects: dict[str, tuple[pascal3d.ObjectRecord, ...]], category: str = "car") -> None:
    """Annotations of the PASCAL split of PASCAL3D+, one for each entry; their photographs are SPair-71k's."""
    for name, items in objects.items():
        record = pascal3d.ImageRecord(f"{name}.jpg", WIDTH, HEIGHT, items)
        pascal3d.write_record(pascal3d.annotation_path(root, category, name, "pascal"), record)


def write_evaluation(
    root: Path,
    images: dict[str, spair.ImageAnnotation],
    pairs: list[tuple[str, str]],
    category: str = "car",
    split: str = "test",
) -> None:
    """An SPair-71k with these images and pairs in one split; the other splits have pairs of another category alone."""
    images = {name: dataclasses.replace(annotation, filename=f"{name}.jpg") for name, annotation in images.items()}
    for name, annotation in images.items():
        spair.write_image_annotation(spair.annotation_path(root, category, name), annotation)
        write_image(spair.image_path(root, category, name), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    filenames = []
    for i, (source, target) in enumerate(pairs):
        pair = pair_annotation(i, source, images[source], target, images[target])
        filenames.append(pair.filename)
        spair.write_pair_annotation(spair.pair_path(root, split, pair.filename), pair)
    spair.write_pair_list(spair.pair_list_path(root, "large", split), filenames)
    for other in spair.SPLITS:
        if not (path := spair.pair_list_path(root, "large", other)).exists():
            spair.write_pair_list(path, [spair.pair_filename(0, "x", "y", "sofa")])


def pair_annotation(
    pair_id: int, source: str, first: spair.ImageAnnotation, target: str, second: spair.ImageAnnotation
) -> spair.PairAnnotation:
    common = [key for key in first.kps if first.kps[key] and second.kps[key]]
    return spair.PairAnnotation(
        pair_id=pair_id,
        filename=spair.pair_filename(pair_id, source, target, first.category),
        src_imname=f"{source}.jpg",
        trg_imname=f"{target}.jpg",
        src_imsize=(first.image_width, first.image_height, 3),
        trg_imsize=(second.image_width, second.image_height, 3),
        src_bndbox=first.bndbox,
        trg_bndbox=second.bndbox,
        category=first.category,
        src_pose=first.pose,
        trg_pose=second.pose,
        src_kps=tuple(first.kps[key] for key in common),
        trg_kps=tuple(second.kps[key] for key in common),
        kps_ids=tuple(common),
        mirror=0,
        viewpoint_variation=0,
        scale_variation=0,
        truncation=first.truncated + 2 * second.truncated,
        occlusion=first.occluded + 2 * second.occluded,
    )

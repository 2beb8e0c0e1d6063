"""Training instances: objects of the ImageNet split of PASCAL3D+."""

from pathlib import Path

from pipeline.base.errors import InputError
from pipeline.config.categories import check_category
from pipeline.data import pascal3d
from pipeline.data.coordinates import box_from_one_based, clip_box
from pipeline.data.pascal3d_checks import problem
from pipeline.data.reader import Found
from pipeline.photographs.image_files import read_size
from pipeline.photographs.records import DEFAULT_FOCAL, DEFAULT_VIEWPORT, Instance, Viewpoint


def training_instances(root: Path, category: str) -> Found:
    """The objects of the ImageNet split, one an image: the largest of the category; boxes are clipped to the image.

    Images that cannot be used are skipped (`pipeline.data.pascal3d_checks`), as are those whose boxes lie wholly
    outside. Whether flagged objects are used is left to the caller.

    Raises:
        InputError: the category is unknown, or a folder or list is missing or damaged.
    """
    check_category(category)
    for path in (pascal3d.image_path(root, category, "").parent, pascal3d.annotation_path(root, category, "").parent):
        if not path.is_dir():
            raise InputError(
                f"{path}: expected a folder of PASCAL3D+, found none. Check data.pascal3d in params.yaml: the root of "
                'the release, "" to go without training images; the stage `data` writes the embedded benchmark.'
            )
    instances, skipped = [], {}
    for name in pascal3d.read_image_sets(root, category):
        instance = _instance(root, category, name)
        if isinstance(instance, str):
            skipped[name] = instance
        else:
            instances.append(instance)
    return Found(tuple(instances), skipped, root)


def viewpoint(record: pascal3d.ViewpointRecord | None) -> Viewpoint | None:
    """The usable viewpoint of an object, in continuous pixels; None where not even coarse angles are known.

    Where the distance is 0 or the fine angles are missing, the coarse angles stand in, and the distance is 0.
    """
    if record is None:
        return None
    distance = 0.0 if record.azimuth is None or record.elevation is None else record.distance or 0.0
    azimuth = record.azimuth if distance or record.azimuth_coarse is None else record.azimuth_coarse
    elevation = record.elevation if distance or record.elevation_coarse is None else record.elevation_coarse
    if azimuth is None or elevation is None:
        return None
    return Viewpoint(
        azimuth=azimuth,
        elevation=elevation,
        theta=record.theta or 0.0,
        distance=distance,
        focal=record.focal or DEFAULT_FOCAL,
        px=(record.px or 0.0) - 0.5,
        py=(record.py or 0.0) - 0.5,
        viewport=record.viewport or DEFAULT_VIEWPORT,
    )


def _instance(root: Path, category: str, name: str) -> Instance | str:
    """The training instance of one image, or the reason why there is none."""
    try:
        photo = pascal3d.image_path(root, category, name)
        if not photo.is_file():
            return f"no photograph {photo.name} for its annotation"
        record = pascal3d.read_record(pascal3d.annotation_path(root, category, name))
        width, height = read_size(photo)
    except InputError as error:
        # Lists of instances do not depend on where the release lies.
        return str(error).replace(f"{root}/", "")
    if record.width and record.height and (record.width, record.height) != (width, height):
        return f"its annotation says {record.width} x {record.height} pixels, its photograph has {width} x {height}"
    objects = [item for item in record.objects if item.category == category]
    usable = [(item.bbox, item) for item in objects if item.bbox is not None and problem(item) is None]
    if not usable:
        return next((reason for item in objects if (reason := problem(item))), f"no {category} in its annotation")
    boxes = [(clip_box(box_from_one_based(corners), width, height), item) for corners, item in usable]
    inside = [(box, item) for box, item in boxes if box is not None]
    if not inside:
        return f"box {list(usable[0][0])} outside the image of {width} x {height} pixels"
    box, item = max(inside, key=lambda entry: entry[0].width * entry[0].height)
    return Instance(
        category=category,
        name=name,
        split="train",
        image=str(photo),
        width=width,
        height=height,
        box=box,
        truncated=item.truncated,
        occluded=item.occluded,
        difficult=item.difficult,
        viewpoint=viewpoint(item.viewpoint),
        cad_index=item.cad_index,
    )

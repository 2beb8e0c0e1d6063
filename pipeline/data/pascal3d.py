"""PASCAL3D+ (release 1.1): annotations of both splits, photographs and image lists of the ImageNet split.

The dataclasses hold what the files hold: degrees, 1-based pixels, and None where the file has an empty value.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from pipeline.base.errors import InputError
from pipeline.base.files import write_text
from pipeline.base.inside import inside
from pipeline.data import matlab
from pipeline.data.name_lists import read_names

Split = Literal["imagenet", "pascal"]
"""Source of the annotated photographs: ImageNet, or PASCAL VOC, from which SPair-71k's photographs come too."""

SUBSETS = ("train", "val")
"""Image lists of the ImageNet split."""


@dataclass(frozen=True)
class Anchor:
    """Place in the image of a named keypoint of the CAD model."""

    location: tuple[float, float] | None
    """Pixels from 1; None where the keypoint is not visible."""
    status: int
    """Visibility: 1 visible; other values say why the keypoint is not."""


@dataclass(frozen=True)
class ViewpointRecord:
    """The camera of `pipeline.photographs.cameras.project_cad`; degrees, CAD units, 1-based pixels."""

    azimuth: float | None
    elevation: float | None
    theta: float | None
    distance: float | None
    """Distance in CAD units; 0 where only the coarse angles were annotated."""
    focal: float | None
    px: float | None
    py: float | None
    viewport: float | None
    azimuth_coarse: float | None
    elevation_coarse: float | None


@dataclass(frozen=True)
class ObjectRecord:
    """One annotated object."""

    category: str
    """Name of the category: the field `class` of the file."""
    bbox: tuple[float, float, float, float] | None
    """Box [xmin, ymin, xmax, ymax] in pixels from 1."""
    cad_index: int | None
    """Number of the model in `CAD/<category>`, from 1."""
    anchors: dict[str, Anchor]
    viewpoint: ViewpointRecord | None
    truncated: bool
    occluded: bool
    difficult: bool


@dataclass(frozen=True)
class ImageRecord:
    """The variable `record` of an annotation."""

    filename: str
    width: int | None
    height: int | None
    objects: tuple[ObjectRecord, ...]
    segmented: int = 0


def image_path(root: Path, category: str, name: str) -> Path:
    """Photograph of the ImageNet split; photographs of the PASCAL split are read from SPair-71k's JPEGImages."""
    return inside(root, "Images", f"{category}_imagenet", f"{name}.JPEG")


def annotation_path(root: Path, category: str, name: str, split: Split = "imagenet") -> Path:
    return inside(root, "Annotations", f"{category}_{split}", f"{name}.mat")


def image_set_path(root: Path, category: str, subset: str) -> Path:
    """List of the images of a subset of the ImageNet split, 'train' or 'val'."""
    return root / "Image_sets" / f"{category}_imagenet_{subset}.txt"


def write_image_set(path: Path, names: Iterable[str]) -> None:
    """Write one name (stem of an image file) a line."""
    write_text(path, "".join(f"{name}\n" for name in names))


def write_record(path: Path, record: ImageRecord) -> None:
    """Write `Annotations/<category>_<split>/<name>.mat`; equal records give equal bytes."""
    objects = matlab.struct_array(
        [_object_struct(item) for item in record.objects],
        ("class", "bbox", "cad_index", "anchors", "viewpoint", "truncated", "occluded", "difficult"),
    )
    size = {"width": _or_empty(record.width), "height": _or_empty(record.height), "depth": 3.0}
    content = {"filename": record.filename, "segmented": float(record.segmented), "size": size, "objects": objects}
    matlab.write_variable(path, "record", content)


def read_record(path: Path) -> ImageRecord:
    """Read one annotation.

    Raises:
        InputError: the file is missing, truncated or damaged, it holds no record, or a number in it that has to be
            whole is not.
    """
    try:
        return _record(path)
    except ValueError as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: {error}. Fetch the file again.") from None


def _record(path: Path) -> ImageRecord:
    structs = matlab.structs(matlab.read_variable(path, "record"))
    if not structs:
        raise InputError(f"{path}: expected a struct `record`, found something else. Fetch the file again.")
    record = structs[0]
    # An empty struct stands in for a missing one: each of its fields reads as unknown.
    size = (matlab.structs(matlab.field(record, "size")) or [{}])[0]
    return ImageRecord(
        filename=matlab.text(matlab.field(record, "filename")),
        width=_integer(matlab.field(size, "width")),
        height=_integer(matlab.field(size, "height")),
        objects=tuple(_object(item) for item in matlab.structs(matlab.field(record, "objects"))),
        segmented=_integer(matlab.field(record, "segmented")) or 0,
    )


def read_image_sets(root: Path, category: str) -> tuple[str, ...]:
    """Names of the ImageNet split, both subsets, sorted. A name that is listed twice counts once.

    Raises:
        InputError: there is no list for this category, or one is no list of names.
    """
    paths = [image_set_path(root, category, subset) for subset in SUBSETS]
    if not any(path.is_file() for path in paths):
        raise InputError(
            f"{paths[0]}: expected the list of PASCAL3D+ images, found no file. Check data.pascal3d in params.yaml "
            "(run the stage `data` for the embedded benchmark), or restore the release's Image_sets folder."
        )
    return tuple(sorted({name for path in paths if path.is_file() for name in read_names(path)}))


def _object_struct(item: ObjectRecord) -> dict[str, Any]:
    anchors = {
        name: {"location": _or_empty(anchor.location), "status": float(anchor.status)}
        for name, anchor in item.anchors.items()
    }
    view = {name: _or_empty(value) for name, value in asdict(item.viewpoint).items()} if item.viewpoint else None
    return {
        "class": item.category,
        "bbox": _or_empty(item.bbox),
        "cad_index": _or_empty(item.cad_index),
        "anchors": anchors or matlab.EMPTY,
        "viewpoint": view or matlab.EMPTY,
        "truncated": float(item.truncated),
        "occluded": float(item.occluded),
        "difficult": float(item.difficult),
    }


def _or_empty(value: Any) -> Any:
    """The value as MATLAB stores it: numbers in double precision, an unknown value as an empty array."""
    if value is None:
        return matlab.EMPTY
    return [float(x) for x in value] if isinstance(value, tuple) else float(value)


def _object(struct: matlab.Struct) -> ObjectRecord:
    anchors = matlab.structs(matlab.field(struct, "anchors"))
    views = matlab.structs(matlab.field(struct, "viewpoint"))
    return ObjectRecord(
        category=matlab.text(matlab.field(struct, "class")),
        bbox=matlab.numbers(matlab.field(struct, "bbox"), 4),
        cad_index=_integer(matlab.field(struct, "cad_index")),
        anchors=_anchors(anchors[0]) if anchors else {},
        viewpoint=_viewpoint(views[0]) if views else None,
        truncated=bool(matlab.number(matlab.field(struct, "truncated"))),
        occluded=bool(matlab.number(matlab.field(struct, "occluded"))),
        difficult=bool(matlab.number(matlab.field(struct, "difficult"))),
    )


def _anchors(struct: matlab.Struct) -> dict[str, Anchor]:
    anchors = {}
    for name, value in struct.items():
        for anchor in matlab.structs(value):
            location = matlab.numbers(matlab.field(anchor, "location"), 2)
            anchors[name] = Anchor(location, _integer(matlab.field(anchor, "status")) or 0)
    return anchors


def _viewpoint(struct: matlab.Struct) -> ViewpointRecord:
    return ViewpointRecord(
        **{entry.name: matlab.number(matlab.field(struct, entry.name)) for entry in fields(ViewpointRecord)}
    )


def _integer(value: Any) -> int | None:
    found = matlab.number(value)
    if found is not None and found != int(found):
        raise ValueError(f"expected a whole number, found {found}")
    return None if found is None else int(found)

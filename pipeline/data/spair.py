"""SPair-71k: image and pair annotations, lists of pairs.

Annotations keep the release's form: JSON on one line, 1-based integer pixels, this order of fields.
"""

import dataclasses
import json
import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pipeline.base.errors import InputError
from pipeline.base.files import write_text

SPLITS = ("trn", "val", "test")
KEYPOINT_SLOTS = 30
"""Slots "0" to "29" of an image annotation's `kps`."""

Number = int | float
Point = tuple[Number, Number]
Corners = tuple[Number, Number, Number, Number]
"""Box [xmin, ymin, xmax, ymax] in pixels from 1."""
Annotation = TypeVar("Annotation")


@dataclass(frozen=True)
class ImageAnnotation:
    """One object of one image: `ImageAnnotation/<category>/<name>.json`."""

    filename: str
    src_database: str
    src_annotation: str
    src_image: str
    image_width: int
    image_height: int
    image_depth: int
    category: str
    pose: str
    """Side that is seen: 'Left', 'Right', 'Frontal', 'Rear' or 'Unspecified'."""
    truncated: int
    occluded: int
    difficult: int
    bndbox: Corners
    kps: dict[str, Point | None]
    """A point or None for each of the slots "0" to "29"; it may lie a little outside the box."""
    azimuth_id: int
    """Azimuth in eighths of a turn: floor(azimuth / 45 degrees)."""


@dataclass(frozen=True)
class PairAnnotation:
    """Two images and their common keypoints: `PairAnnotation/<split>/<filename>.json`."""

    pair_id: int
    filename: str
    src_imname: str
    trg_imname: str
    src_imsize: tuple[int, int, int]
    """Width, height, channels."""
    trg_imsize: tuple[int, int, int]
    src_bndbox: Corners
    trg_bndbox: Corners
    category: str
    src_pose: str
    trg_pose: str
    src_kps: tuple[Point, ...]
    trg_kps: tuple[Point, ...]
    kps_ids: tuple[str, ...]
    mirror: int
    viewpoint_variation: int
    scale_variation: int
    truncation: int
    """Truncated objects: 0 none, 1 source, 2 target, 3 both."""
    occlusion: int
    """Occluded objects: 0 none, 1 source, 2 target, 3 both."""


def image_path(root: Path, category: str, name: str) -> Path:
    return root / "JPEGImages" / category / f"{name}.jpg"


def segmentation_path(root: Path, category: str, name: str) -> Path:
    return root / "Segmentation" / category / f"{name}.png"


def annotation_path(root: Path, category: str, name: str) -> Path:
    return root / "ImageAnnotation" / category / f"{name}.json"


def pair_path(root: Path, split: str, filename: str) -> Path:
    """File of a pair annotation; `filename` is the stem that the annotation and the lists of pairs hold."""
    return root / "PairAnnotation" / split / f"{filename}.json"


def pair_list_path(root: Path, size: str, split: str) -> Path:
    """List of the pairs of a split; `size` is 'large' (all pairs) or 'small'."""
    return root / "Layout" / size / f"{split}.txt"


def pair_filename(pair_id: int, source: str, target: str, category: str) -> str:
    """The stem of a pair annotation, e.g. '014606-2008_000032-2008_000075:bus'."""
    return f"{pair_id:06d}-{source}-{target}:{category}"


def write_image_annotation(path: Path, annotation: ImageAnnotation) -> None:
    write_text(path, json.dumps(dataclasses.asdict(annotation)))


def write_pair_annotation(path: Path, annotation: PairAnnotation) -> None:
    write_text(path, json.dumps(dataclasses.asdict(annotation)))


def write_pair_list(path: Path, filenames: Iterable[str]) -> None:
    write_text(path, "".join(f"{filename}\n" for filename in filenames))


def read_image_annotation(path: Path) -> ImageAnnotation:
    """Read `ImageAnnotation/<category>/<name>.json`.

    Raises:
        InputError: the file is missing, is not JSON, or a field is missing or malformed.
    """
    return _read(path, ImageAnnotation)


def read_pair_annotation(path: Path) -> PairAnnotation:
    """Read `PairAnnotation/<split>/<filename>.json`.

    Raises:
        InputError: the file is missing, is not JSON, a field is missing or malformed, or source keypoints, target
            keypoints and keypoint ids are not equally many.
    """
    annotation = _read(path, PairAnnotation)
    if not len(annotation.src_kps) == len(annotation.trg_kps) == len(annotation.kps_ids):
        raise InputError(
            f"{path}: expected as many source as target keypoints and ids, found {len(annotation.src_kps)}, "
            f"{len(annotation.trg_kps)} and {len(annotation.kps_ids)}. Fetch the file again."
        )
    return annotation


def read_pair_list(path: Path) -> tuple[str, ...]:
    """Read `Layout/<size>/<split>.txt`, one stem of a pair annotation a line.

    Raises:
        InputError: the file is missing.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected the list of SPair-71k pairs, found no file. Check data.spair in params.yaml "
            "(run the stage `data` for the embedded benchmark), or restore the release's Layout folder."
        )
    return tuple(path.read_text(encoding="utf-8").split())


def _read(path: Path, kind: type[Annotation]) -> Annotation:
    if not path.is_file():
        raise InputError(
            f"{path}: expected an annotation of SPair-71k, found no file. Restore it from the release, "
            "or remove what refers to it from the Layout lists."
        )
    try:
        content = _freeze(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(
            f"{path}: expected JSON, found a truncated or damaged file ({error}). Fetch the file again."
        ) from None
    hints = typing.get_type_hints(kind)
    for name, hint in hints.items():
        if not isinstance(content, dict) or name not in content:
            raise InputError(f"{path}: expected the field '{name}', found none. Fetch the file again.")
        if not _matches(content[name], hint):
            raise InputError(f"{path}: the field '{name}' must be {hint}; found {content[name]!r}. Mend the file.")
    return kind(**{name: content[name] for name in hints})


def _freeze(value: Any) -> Any:
    """The value with tuples in place of lists, at every depth."""
    if isinstance(value, list):
        return tuple(_freeze(item) for item in value)
    if isinstance(value, dict):
        return {name: _freeze(item) for name, item in value.items()}
    return value


def _matches(value: Any, hint: Any) -> bool:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        return any(_matches(value, argument) for argument in arguments)
    if origin is dict:
        return isinstance(value, dict) and all(_matches(item, arguments[1]) for item in value.values())
    if origin is tuple:
        if not isinstance(value, tuple):
            return False
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return len(value) == len(kinds) and all(map(_matches, value, kinds))
    return type(value) is hint

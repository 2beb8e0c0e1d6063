"""SPair-71k: image and pair annotations, lists of pairs.

Annotations keep the release's form: JSON on one line, 1-based integer pixels, this order of fields.
"""

import dataclasses
import json
import reprlib
import types
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

from pipeline.base.errors import InputError
from pipeline.base.files import write_text
from pipeline.base.inside import inside
from pipeline.data.json_files import read_json
from pipeline.data.name_lists import read_names
from pipeline.data.spair_annotations import ImageAnnotation, PairAnnotation
from pipeline.data.spair_checks import check_image, check_pair

SPLITS = ("trn", "val", "test")
Annotation = TypeVar("Annotation")


def image_path(root: Path, category: str, name: str) -> Path:
    return inside(root, "JPEGImages", category, f"{name}.jpg")


def segmentation_path(root: Path, category: str, name: str) -> Path:
    return inside(root, "Segmentation", category, f"{name}.png")


def annotation_path(root: Path, category: str, name: str) -> Path:
    return inside(root, "ImageAnnotation", category, f"{name}.json")


def pair_path(root: Path, split: str, filename: str) -> Path:
    """File of a pair annotation; `filename` is the stem that the annotation and the lists of pairs hold."""
    return inside(root, "PairAnnotation", split, f"{filename}.json")


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
    """Read `ImageAnnotation/<category>/<name>.json`. `pipeline.data.spair_checks` says what must be true of it.

    Raises:
        InputError: the file is missing, is not JSON, a field is missing or malformed, has a value that it cannot have,
            or contradicts the place of the file.
    """
    annotation = _read(path, ImageAnnotation)
    check_image(path, annotation)
    return annotation


def read_pair_annotation(path: Path) -> PairAnnotation:
    """Read `PairAnnotation/<split>/<filename>.json`. `pipeline.data.spair_checks` says what must be true of it.

    Raises:
        InputError: as `read_image_annotation`, or source keypoints, target keypoints and keypoint ids are not equally
            many, or an id is there twice.
    """
    annotation = _read(path, PairAnnotation)
    source, target = annotation.src_imname.removesuffix(".jpg"), annotation.trg_imname.removesuffix(".jpg")
    check_pair(path, annotation, pair_filename(annotation.pair_id, source, target, annotation.category))
    return annotation


def read_pair_list(path: Path) -> tuple[str, ...]:
    """Read `Layout/<size>/<split>.txt`, one stem of a pair annotation a line.

    Raises:
        InputError: the file is missing, is no list of names, or has a pair twice.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected the list of SPair-71k pairs, found no file. Check data.spair in params.yaml "
            "(run the stage `data` for the embedded benchmark), or restore the release's Layout folder."
        )
    names = read_names(path)
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise InputError(f"{path}: expected each pair once, found '{twice}' again. Restore the list from the release.")
    return tuple(names)


def _read(path: Path, kind: type[Annotation]) -> Annotation:
    if not path.is_file():
        raise InputError(
            f"{path}: expected an annotation of SPair-71k, found no file. Restore it from the release, "
            "or remove what refers to it from the Layout lists."
        )
    content = read_json(path, "Fetch the file again.")
    hints = typing.get_type_hints(kind)
    for name, hint in hints.items():
        if not isinstance(content, dict) or name not in content:
            raise InputError(f"{path}: expected the field '{name}', found none. Fetch the file again.")
        if not _matches(content[name], hint):
            raise InputError(
                f"{path}: the field '{name}' must be {hint}; found {reprlib.repr(content[name])}. Mend the file."
            )
    return kind(**{name: _freeze(content[name]) for name in hints})


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
        if not isinstance(value, list):
            return False
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else arguments
        return len(value) == len(kinds) and all(map(_matches, value, kinds))
    return type(value) is hint

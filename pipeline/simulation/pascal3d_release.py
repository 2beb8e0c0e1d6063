"""The embedded benchmark's PASCAL3D+ (release 1.1): the training half, and what it says of SPair-71k's images."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.data.cad import CadModel, cad_path, mesh_path, write_cad
from pipeline.data.coordinates import to_one_based
from pipeline.data.off import write_off
from pipeline.data.pascal3d import (
    SUBSETS,
    Anchor,
    ImageRecord,
    ObjectRecord,
    ViewpointRecord,
    annotation_path,
    image_path,
    image_set_path,
    write_image_set,
    write_record,
)
from pipeline.photographs.image_files import write_image
from pipeline.simulation.keypoints import Keypoint, Status
from pipeline.simulation.picture import Picture, Specimen


def write_models(root: Path, category: str, pool: Sequence[Specimen]) -> None:
    """Write `CAD/<category>.mat` and `CAD/<category>/NN.off`."""
    shapes = [specimen.shape for specimen in pool]
    write_cad(cad_path(root, category), [CadModel(s.vertices, s.faces, s.keypoints) for s in shapes])
    for specimen, shape in zip(pool, shapes, strict=True):
        write_off(mesh_path(root, category, specimen.cad_index), shape.vertices, shape.faces)


def write_picture(root: Path, category: str, name: str, picture: Picture) -> None:
    """Write a training photograph and its annotation (ImageNet split)."""
    path = image_path(root, category, name)
    write_image(path, picture.photo.image)
    write_record(annotation_path(root, category, name), record(category, path.name, picture))


def write_pascal_annotation(root: Path, category: str, name: str, picture: Picture) -> None:
    """Write the annotation of an image of SPair-71k (PASCAL split).

    The release has a copy of the photograph in `Images/<category>_pascal`; here it lies in SPair-71k's JPEGImages only.
    """
    write_record(annotation_path(root, category, name, "pascal"), record(category, f"{name}.jpg", picture))


def write_image_sets(root: Path, category: str, names: Sequence[str]) -> None:
    """Write the image lists: every other image is in `train`, the rest in `val`, as in the release's equal halves."""
    for i, subset in enumerate(SUBSETS):
        write_image_set(image_set_path(root, category, subset), names[i :: len(SUBSETS)])


def record(category: str, filename: str, picture: Picture) -> ImageRecord:
    """The annotation of a picture; pixels become 1-based."""
    view = picture.framing.view
    px, py = to_one_based([view.px, view.py]).tolist()
    viewpoint = ViewpointRecord(
        **view._replace(px=px, py=py)._asdict(),
        azimuth_coarse=round(view.azimuth / 45) % 8 * 45.0,
        elevation_coarse=round(view.elevation / 15) * 15.0,
    )
    xmin, ymin, xmax, ymax = picture.box
    item = ObjectRecord(
        category=category,
        bbox=(float(xmin), float(ymin), float(xmax), float(ymax)),
        cad_index=picture.cad_index,
        anchors={name: _anchor(keypoint) for name, keypoint in picture.keypoints.items()},
        viewpoint=viewpoint,
        truncated=picture.truncated,
        occluded=picture.occluded,
        difficult=False,
    )
    return ImageRecord(filename, picture.framing.width, picture.framing.height, (item,))


def _anchor(keypoint: Keypoint) -> Anchor:
    """The annotation of a keypoint; as in the release, only a visible one has a place."""
    if keypoint.status != Status.VISIBLE:
        return Anchor(None, int(keypoint.status))
    x, y = to_one_based([keypoint.x, keypoint.y]).tolist()
    return Anchor((x, y), int(keypoint.status))

"""Files of PASCAL3D+ and SPair-71k, read as the stages `instances` and `reconstruct` do."""

import dataclasses
from pathlib import Path

import numpy as np
import scipy.io

from faults.kind import Form, Kind, Skipped, file_kind
from faults.kinds.meshes import CUBE, FACES, check_mesh
from pipeline.data import cad, pascal3d, spair
from pipeline.data.paper_rules import select
from pipeline.data.selection import Selection, write_selection
from pipeline.photographs.image_files import write_image
from support.releases import (
    CAR,
    HEIGHT,
    IMAGE,
    WIDTH,
    workspace_of,
    write_evaluation,
    write_pascal,
    write_training,
)

RECORD = "pascal3d/Annotations/car_imagenet/{}.mat"
LIST = "pascal3d/Image_sets/car_imagenet_train.txt"
PAIR = spair.pair_filename(0, "e1", "e2", "car")


def release(root: Path) -> None:
    """Three training photographs, three pairs, and two CAD models."""
    car = dataclasses.replace(CAR, anchors={**CAR.anchors, "front": pascal3d.Anchor((30.0, 10.0), 1)})
    write_training(root / "pascal3d", dict.fromkeys(("t1", "t2", "t3"), (car,)))
    images = {name: dataclasses.replace(IMAGE, filename=f"{name}.jpg") for name in ("e1", "e2", "e3")}
    write_evaluation(root / "spair", images, [("e1", "e2"), ("e2", "e3"), ("e3", "e1")])
    write_pascal(root / "pascal3d", dict.fromkeys(images, (CAR,)))
    for path in sorted(root.rglob("*.J*G")) + sorted(root.rglob("*.jpg")):
        noise = np.random.default_rng(len(path.name)).integers(0, 256, (HEIGHT, WIDTH, 3)).astype(np.uint8)
        write_image(path.with_suffix(".jpg"), noise)
        path.with_suffix(".jpg").rename(path)
    plain = root / RECORD.format("t2")
    content = scipy.io.loadmat(plain, struct_as_record=True)
    scipy.io.savemat(plain, {"record": content["record"]}, do_compression=False)
    # The time of writing is in the header.
    plain.write_bytes(b"MATLAB 5.0 MAT-file".ljust(116) + plain.read_bytes()[116:])
    model = cad.CadModel(CUBE, FACES, {"left_wheel": CUBE[0], "right_wheel": CUBE[1]})
    cad.write_cad(cad.cad_path(root / "pascal3d", "car"), [model, model])


def read_selection(root: Path) -> Selection:
    """The stage `instances`."""
    workspace = workspace_of(root)
    selection = select(workspace, "car")
    write_selection(workspace, selection)
    if selection.skipped:
        raise Skipped(str(selection.skipped))
    return selection


def check_selection(selection: Selection) -> None:
    for instance in selection.instances:
        x0, y0, x1, y1 = instance.box
        assert 0 <= x0 < x1 <= instance.width <= 100_000 and 0 <= y0 < y1 <= instance.height <= 100_000
        assert Path(instance.image).parts[0] in ("pascal3d", "spair") and ".." not in Path(instance.image).parts
        assert instance.viewpoint is None or np.isfinite(list(instance.viewpoint)).all()
        assert instance.cad_index is None or instance.cad_index >= 1
    for pair in selection.pairs.pairs:
        assert len(pair.keypoint_ids) == len(set(pair.keypoint_ids)) == len(pair.source_keypoints)
        for points, box in ((pair.source_keypoints, pair.source_box), (pair.target_keypoints, pair.target_box)):
            assert points.shape == (len(pair.keypoint_ids), 2)
            assert (points >= -1).all() and (points <= [WIDTH + 1, HEIGHT + 1]).all()
            assert np.isfinite(list(box)).all() and box.width > 0 and box.height > 0


def check_cad(models: tuple[cad.CadModel, ...]) -> None:
    for model in models:
        check_mesh(model)
        for point in model.keypoints.values():
            assert point.shape == (3,) and np.isfinite(point).all()


def _listed(name: str, path: str, form: Form, *names: str) -> Kind:
    return Kind(name, release, path, read_selection, form, check_selection, names=names)


KINDS = (
    _listed("MATLAB record, compressed", RECORD.format("t1"), "bytes"),
    _listed("MATLAB record, plain", RECORD.format("t2"), "bytes"),
    _listed("MATLAB record, PASCAL split", "pascal3d/Annotations/car_pascal/e1.mat", "bytes"),
    # An error of a damaged list names the file that the list leads to.
    _listed(
        "list of photographs", "pascal3d/Image_sets/car_imagenet_train.txt", "text", "Annotations", "training images"
    ),
    _listed("list of pairs", "spair/Layout/large/test.txt", "text", "PairAnnotation"),
    _listed("SPair image annotation", "spair/ImageAnnotation/car/e1.json", "json", PAIR, "e3-e1"),
    _listed("SPair pair annotation", f"spair/PairAnnotation/test/{PAIR}.json", "json", "e1"),
    file_kind("CAD models with keypoints", release, "pascal3d/CAD/car.mat", cad.read_cad, check=check_cad),
)

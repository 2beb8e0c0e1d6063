import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.base.errors import InputError
from pipeline.base.yaml_text import parse_yaml, to_yaml
from pipeline.config.categories import CATEGORIES, Category
from pipeline.config.params import parse_params
from pipeline.config.workspace import Workspace
from pipeline.data.cad import cad_path, mesh_path, read_cad
from pipeline.data.coordinates import box_from_one_based, to_one_based_integers
from pipeline.data.imagenet_split import training_instances
from pipeline.data.off import read_off, write_off
from pipeline.data.pascal3d import annotation_path, image_path, read_image_sets, read_record
from pipeline.data.pascal_split import with_pascal_annotation
from pipeline.data.spair import (
    SPLITS,
    pair_list_path,
    pair_path,
    read_image_annotation,
    read_pair_annotation,
    read_pair_list,
    segmentation_path,
)
from pipeline.data.spair import annotation_path as spair_annotation_path
from pipeline.data.spair import image_path as spair_image_path
from pipeline.data.spair_pairs import annotated_pairs, pair_instances
from pipeline.photographs.cameras import project_cad
from pipeline.photographs.image_files import read_image, read_mask
from pipeline.photographs.truth import Truth, read_truth, truth_path
from pipeline.simulation.folders import MARKER
from pipeline.simulation.generate import generate
from pipeline.simulation.pool import assignments
from stages import data
from support.paths import ROOT

SMALL = {
    "train_shapes": 2,
    "pair_shapes": 4,
    "train_images": 5,
    "trn_images": 2,
    "val_images": 2,
    "test_images": 5,
    "trn_pairs": 2,
    "val_pairs": 2,
    "test_pairs": 8,
    "image_size": 80,
    "truncated_share": 0.2,
    "occluded_share": 0.2,
}


def small_params(categories, **benchmark):
    content = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["categories"] = list(categories)
    content["simulation"] |= {**SMALL, **benchmark}
    return parse_params(content)


def write_benchmark(root, categories, **benchmark):
    params = small_params(categories, **benchmark)
    workspace = Workspace(root, params)
    return generate(workspace), workspace


def files(workspace):
    return {
        path.relative_to(workspace.root): path.read_bytes()
        for path in sorted(workspace.root.rglob("*"))
        if path.is_file()
    }


def spair_names(workspace, category):
    return [path.stem for path in sorted((workspace.spair / "ImageAnnotation" / category).iterdir())]


def annotated_instances(workspace, category, split):
    """The images of a PASCAL3D+ split with their viewpoints."""
    if split == "imagenet":
        instances, skipped, _ = training_instances(workspace.pascal3d, category)
    else:
        instances, skipped, _ = pair_instances(workspace.spair, category, spair_names(workspace, category), "test")
        instances = tuple(with_pascal_annotation(workspace.pascal3d, item) for item in instances)
    assert not skipped
    return instances


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    counts, workspace = write_benchmark(tmp_path_factory.mktemp("benchmark"), ("car", "bottle"))
    assert counts.models == 12 and counts.images == 28
    return workspace


def test_equal_parameters_give_equal_bytes(written, tmp_path):
    _, again = write_benchmark(tmp_path, ("car", "bottle"))
    assert files(again) == files(written)


def test_a_category_does_not_depend_on_the_others(written, tmp_path):
    _, alone = write_benchmark(tmp_path, ("bottle",))
    both = files(written)
    for path, content in files(alone).items():
        if "Layout" not in path.parts:
            assert both[path] == content, path


@pytest.fixture
def with_another_category():
    """One more category before all others, as long as the test runs."""
    ten = dict(CATEGORIES)
    CATEGORIES.clear()
    CATEGORIES.update({"balloon": Category(10), **ten})
    yield
    CATEGORIES.clear()
    CATEGORIES.update(ten)


@pytest.mark.usefixtures("with_another_category")
def test_another_category_renames_no_photograph_and_no_pair(written, tmp_path):
    _, again = write_benchmark(tmp_path, ("car", "bottle"))
    assert files(again) == files(written)


def test_a_seed_changes_the_images(written, tmp_path):
    _, other = write_benchmark(tmp_path, ("bottle",), seed=7)
    photos = [path for path in files(other) if path.suffix in (".jpg", ".JPEG")]
    assert len(photos) == 14
    assert all((written.root / path).read_bytes() != (other.root / path).read_bytes() for path in photos)


@pytest.mark.parametrize(("split", "images"), [("imagenet", 5), ("pascal", 9)])
@pytest.mark.parametrize("category", ["car", "bottle"])
def test_anchors_are_the_projected_keypoints_of_the_annotated_model(written, category, split, images):
    models = read_cad(cad_path(written.pascal3d, category))
    instances = annotated_instances(written, category, split)
    assert len(instances) == images
    seen = 0
    for instance in instances:
        (item,) = read_record(annotation_path(written.pascal3d, category, instance.name, split)).objects
        keypoints = models[instance.cad_index - 1].keypoints
        assert set(item.anchors) == set(keypoints)
        points = project_cad(np.stack([keypoints[name] for name in item.anchors]), instance.viewpoint)
        for anchor, point in zip(item.anchors.values(), points, strict=True):
            assert (anchor.location is not None) == (anchor.status == 1)
            if anchor.location is not None:
                np.testing.assert_allclose(np.array(anchor.location) - 0.5, point[:2], atol=1e-6)
                seen += 1
    assert seen > 10


def test_models_of_both_forms_agree_and_training_uses_only_its_own(written):
    models = read_cad(cad_path(written.pascal3d, "car"))
    assert len(models) == 6
    for i, model in enumerate(models):
        mesh = read_off(mesh_path(written.pascal3d, "car", i + 1))
        np.testing.assert_allclose(mesh.vertices, model.vertices, atol=1e-6)
        np.testing.assert_array_equal(mesh.faces, model.faces)
    shown = {
        split: {instance.cad_index for instance in annotated_instances(written, "car", split)}
        for split in ("imagenet", "pascal")
    }
    assert shown == {"imagenet": {1, 2}, "pascal": {3, 4, 5, 6}}


@pytest.mark.parametrize("category", ["car", "bottle"])
def test_both_releases_say_the_same_of_the_images_of_spair(written, category):
    names = spair_names(written, category)
    folder = annotation_path(written.pascal3d, category, "", "pascal").parent
    assert [path.stem for path in sorted(folder.iterdir())] == names
    slots = sorted({name for model in read_cad(cad_path(written.pascal3d, category)) for name in model.keypoints})
    for instance in annotated_instances(written, category, "pascal"):
        image = read_image_annotation(spair_annotation_path(written.spair, category, instance.name))
        record = read_record(annotation_path(written.pascal3d, category, instance.name, "pascal"))
        assert (record.filename, record.width, record.height) == (image.filename, image.image_width, image.image_height)
        (item,) = record.objects
        assert (item.category, item.bbox) == (image.category, image.bndbox)
        assert instance.box == box_from_one_based(item.bbox)
        assert (item.truncated, item.occluded, item.difficult) == (image.truncated, image.occluded, image.difficult)
        for slot, name in enumerate(slots):
            location = item.anchors[name].location if name in item.anchors else None
            rounded = None if location is None else tuple(to_one_based_integers(np.array(location) - 0.5).tolist())
            assert image.kps[str(slot)] == rounded
        view, pose = instance.viewpoint, truth_of(written, category, instance.name).pose
        np.testing.assert_allclose(pose, [view.azimuth, view.elevation, view.theta, view.distance])


def truth_of(written, category: str, name: str) -> Truth:
    photographs = image_path(written.pascal3d, category, name), spair_image_path(written.spair, category, name)
    return read_truth(next(truth_path(path) for path in photographs if path.is_file()))


def test_the_photographs_of_spair_are_written_once(written):
    folders = {path.parent.relative_to(written.root) for path in written.root.rglob("*.[jJ]*[gG]")}
    images = {written.pascal3d / "Images" / f"{category}_imagenet" for category in ("car", "bottle")}
    images |= {spair_image_path(written.spair, category, "").parent for category in ("car", "bottle")}
    assert folders == {path.relative_to(written.root) for path in images}


@pytest.mark.parametrize("category", ["car", "bottle"])
def test_truth_and_boxes_and_sizes_agree(written, category):
    names = set(read_image_sets(written.pascal3d, category))
    instances, _, _ = training_instances(written.pascal3d, category)
    for instance in instances:
        truth = truth_of(written, category, instance.name)
        view = instance.viewpoint
        np.testing.assert_allclose(truth.pose, [view.azimuth, view.elevation, view.theta, view.distance])
        assert truth.mask.shape == (instance.height, instance.width) == read_image(Path(instance.image)).shape[:2]
        rows, columns = truth.mask.any(1).nonzero()[0], truth.mask.any(0).nonzero()[0]
        assert instance.box == (columns[0] + 0.5, rows[0] + 0.5, columns[-1] + 0.5, rows[-1] + 0.5)
        assert truth.fold == (0 if category == "bottle" else 1)
    for path in (written.spair / "ImageAnnotation" / category).iterdir():
        truth = truth_of(written, category, path.stem)
        np.testing.assert_array_equal(truth.mask, read_mask(segmentation_path(written.spair, category, path.stem)))
        names.add(path.stem)
    photographs = {path.stem for path in written.root.glob(f"data/*/*/{category}*/*.[jJ]*[gG]")}
    sidecars = {path.name.removesuffix(".truth.npz") for path in written.root.glob(f"data/*/*/{category}*/*.npz")}
    assert photographs == sidecars == names


def test_image_annotations_have_the_form_of_the_release(written):
    paths = sorted((written.spair / "ImageAnnotation" / "car").iterdir())
    assert len(paths) == 9
    used = set()
    for path in paths:
        annotation = read_image_annotation(path)
        image = read_image(spair_image_path(written.spair, "car", path.stem))
        assert image.shape == (annotation.image_height, annotation.image_width, annotation.image_depth)
        assert list(annotation.kps) == [str(i) for i in range(30)]
        for slot, point in annotation.kps.items():
            if point is not None:
                used.add(int(slot))
                assert all(type(value) is int for value in point)
                assert 1 <= point[0] <= annotation.image_width + 1 and 1 <= point[1] <= annotation.image_height + 1
        azimuth = truth_of(written, "car", path.stem).pose[0]
        assert annotation.azimuth_id == int(azimuth // 45)
        facing = {"Frontal": 0, "Left": 90, "Rear": 180, "Right": 270}[annotation.pose]
        assert np.cos(np.deg2rad(azimuth - facing)) >= np.cos(np.pi / 4) - 1e-9
    # The slots are filled from the first on, one for each of the family's keypoints.
    models = read_cad(cad_path(written.pascal3d, "car"))
    assert used <= set(range(len(models[0].keypoints))) and len(used) > 8


@pytest.mark.parametrize("split", SPLITS)
def test_pairs_go_both_ways_and_repeat_what_the_images_say(written, split):
    listed = read_pair_list(pair_list_path(written.spair, "large", split))
    assert set(read_pair_list(pair_list_path(written.spair, "small", split))) < set(listed) or len(listed) <= 4
    assert {path.stem for path in (written.spair / "PairAnnotation" / split).iterdir()} == set(listed)
    directions = set()
    for filename in listed:
        pair = read_pair_annotation(pair_path(written.spair, split, filename))
        assert (
            pair.filename
            == filename
            == f"{pair.pair_id:06d}-{pair.src_imname[:-4]}-{pair.trg_imname[:-4]}:{pair.category}"
        )
        directions.add((pair.category, pair.src_imname, pair.trg_imname))
        a, b = (
            read_image_annotation(spair_annotation_path(written.spair, pair.category, name[:-4]))
            for name in (pair.src_imname, pair.trg_imname)
        )
        common = [slot for slot in a.kps if a.kps[slot] and b.kps[slot]]
        assert pair.kps_ids == tuple(common) and len(common) >= 3
        assert pair.src_kps == tuple(a.kps[slot] for slot in common) and pair.src_bndbox == a.bndbox
        assert pair.trg_kps == tuple(b.kps[slot] for slot in common) and pair.trg_bndbox == b.bndbox
        assert pair.truncation == a.truncated + 2 * b.truncated and pair.occlusion == a.occluded + 2 * b.occluded
    assert directions == {(category, target, source) for category, source, target in directions}


def test_the_pairs_of_each_category_are_read(written):
    for category in ("car", "bottle"):
        pairs = annotated_pairs(written.spair, "test", category)
        assert 2 <= len(pairs) <= 8 and all(pair.category == category for pair in pairs)


def test_splits_show_disjoint_shapes():
    plan = assignments("car", small_params(("car",)).simulation)
    shown = {split: {item.specimen for item in plan if item.split == split} for split in ("train", *SPLITS)}
    assert shown["train"] == {0, 1}
    assert sorted(index for shapes in shown.values() for index in shapes) == list(range(6))
    assert len({item.name for item in plan}) == len(plan) == 14


@pytest.mark.parametrize(("counts", "message"), [((2, 2), "pair_shapes must be 3"), ((0, 3), "train_shapes")])
def test_too_few_shapes(counts, message):
    params = small_params(("car",), train_shapes=counts[0], pair_shapes=counts[1])
    with pytest.raises(InputError, match=message):
        assignments("car", params.simulation)


def test_flags_are_set_where_every_object_is_truncated_and_occluded(tmp_path):
    few = {"train_images": 3, "trn_images": 0, "val_images": 0, "test_images": 0}
    _, workspace = write_benchmark(tmp_path, ("tvmonitor",), truncated_share=1.0, occluded_share=1.0, **few)
    instances, _, _ = training_instances(workspace.pascal3d, "tvmonitor")
    for instance in instances:
        assert instance.truncated and instance.occluded and not instance.difficult
    assert pair_list_path(workspace.spair, "large", "test").read_text() == ""


def test_a_real_release_is_never_replaced(tmp_path):
    release = Workspace(tmp_path, small_params(("car",))).pascal3d / "Images" / "car_imagenet" / "n02814533_1.JPEG"
    release.parent.mkdir(parents=True)
    release.write_bytes(b"a genuine photograph")
    with pytest.raises(InputError, match="expected an absent or empty folder"):
        write_benchmark(tmp_path, ("car",))
    assert release.read_bytes() == b"a genuine photograph"


def write_cuboid(folder):
    """A CAD model with four keypoints in the layout that `simulation.cad_dir` has."""
    corners = np.stack(np.meshgrid(*[[-1.0, 1.0]] * 3, indexing="ij"), -1).reshape(-1, 3) * [0.2, 0.3, 0.4]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))])
    write_off(folder / "01.off", corners, faces)
    points = {f"corner_{i}": dict(zip("xyz", corners[i].tolist(), strict=True)) for i in (0, 1, 3, 4, 5, 6)}
    (folder / "01_keypoints.json").write_text(json.dumps(points), encoding="utf-8")


def test_shapes_come_from_a_folder_of_models(tmp_path):
    write_cuboid(tmp_path / "mine" / "CAD" / "chair")
    few = {"train_images": 2, "trn_images": 0, "val_images": 0, "test_images": 4}
    _, workspace = write_benchmark(tmp_path, ("chair",), cad_dir="mine", **few)
    models = read_cad(cad_path(workspace.pascal3d, "chair"))
    assert len(models) == 6 and all(len(model.keypoints) == 6 for model in models)
    # Scaled along each axis by factors of its own.
    proportions = [np.ptp(model.vertices, axis=0) for model in models]
    assert np.std([p[0] / p[2] for p in proportions]) > 0.01
    assert len(annotated_pairs(workspace.spair, "test", "chair")) >= 2


def test_a_missing_model_is_reported_before_anything_is_cleared(tmp_path):
    workspace = Workspace(tmp_path, small_params(("chair",)))
    workspace.spair.mkdir(parents=True)
    (workspace.spair / MARKER).write_text("kept", encoding="utf-8")
    with pytest.raises(InputError, match="expected CAD models"):
        write_benchmark(tmp_path, ("chair",), cad_dir="nowhere")
    assert (workspace.spair / MARKER).read_text(encoding="utf-8") == "kept"


def test_the_stage_replaces_an_earlier_benchmark(tmp_path, monkeypatch, capsys):
    content = parse_yaml((ROOT / "params.yaml").read_text(encoding="utf-8"))
    content["categories"] = ["boat"]
    content["simulation"] |= {**SMALL, "train_images": 1, "trn_images": 1, "val_images": 1, "test_images": 2}
    (tmp_path / "params.yaml").write_text(to_yaml(content), encoding="utf-8")
    stale = tmp_path / content["data"]["spair"] / "stale.npz"
    stale.parent.mkdir(parents=True)
    (stale.parent / MARKER).touch()
    stale.touch()
    monkeypatch.setattr("sys.argv", ["data", "--root", str(tmp_path)])
    data.main()
    assert "6 CAD models, 5 images" in capsys.readouterr().out
    assert not stale.exists()

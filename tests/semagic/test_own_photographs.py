"""README's commands for own photographs, on strangers' files: without truth, boxes, keypoints or networks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import trimesh

from pipeline.config.opening import open_workspace
from pipeline.config.profiles import merge_text, read_profile
from pipeline.evaluation.result import read_metrics
from pipeline.photographs.image_files import read_image
from semagic import CategoryModel
from support.command_line import semagic
from support.paths import FIXTURES, ROOT, needs_fixtures
from support.tiny_run import run_stage

CATEGORY = "wagon"
CELL = f"wo_pose-sift-{CATEGORY}-0"
IMAGES = {"train_images": 14, "train_shapes": 4, "trn_images": 0, "val_images": 0, "test_images": 2, "test_pairs": 2}


@pytest.fixture(scope="module")
def photos(tmp_path_factory) -> Path:
    """Generated photographs without what the generator knows of them."""
    source = tmp_path_factory.mktemp("source")
    text = merge_text((ROOT / "params.yaml").read_text(), read_profile(ROOT / "profiles", "smoke"), "strangers")
    overrides = {"categories": ["car"], "simulation": {**IMAGES, "trn_pairs": 0, "val_pairs": 0, "image_size": 160}}
    (source / "params.yaml").write_text(merge_text(text, overrides, "strangers"))
    run_stage(source, "data", [])
    folder = tmp_path_factory.mktemp("photos")
    for number, path in enumerate(sorted(source.rglob("Images/*/*.JPEG"))):
        shutil.copy(path, folder / f"DSC{number:04d}.jpg")
    return folder


@pytest.fixture(scope="module")
def clone(photos, tmp_path_factory) -> Path:
    """`semagic new`, and then all stages that DVC runs, with networks and trainings of toy size."""
    root = tmp_path_factory.mktemp("clone")
    toy = read_profile(ROOT / "profiles", "smoke")
    toy["reconstruction"]["variants"] = []
    toy["features"] = {"grid": 16}
    (root / "params.yaml").write_text(merge_text((ROOT / "params.yaml").read_text(), toy, "toy"))
    for name in ("dvc.yaml", "downloads.yaml"):
        shutil.copy(ROOT / name, root)
    shutil.copytree(ROOT / "profiles", root / "profiles")
    result = semagic("new", CATEGORY, photos, "--root", root)
    assert result.exit_code == 0, result.stderr
    for stage in ("instances", "masks", "depth", "poses", "features", "pca", "baselines", "resolve"):
        backbone = ["--backbone", "sift"] if stage in ("features", "pca", "baselines") else []
        run_stage(root, stage, [] if stage == "resolve" else ["--category", CATEGORY, *backbone])
    cell = ["--variant", "wo_pose", "--backbone", "sift", "--category", CATEGORY, "--seed", "0"]
    for stage in ("train", "predict", "evaluate"):
        run_stage(root, stage, cell)
    for stage in ("report", "gallery", "overview"):
        run_stage(root, stage, ["--category", CATEGORY] if stage == "gallery" else [])
    return root


def test_what_it_is_worth_is_said_without_keypoints(clone):
    workspace = open_workspace(clone)
    metrics = read_metrics(clone / "evaluation" / Path(*CELL.split("-")))
    assert metrics.pairs_listed == 0 and metrics.pck == {} and not metrics.annotated
    assert metrics.mesh is not None and metrics.mesh.mask_iou is not None and metrics.mesh.pose_error is None
    baselines = read_metrics(workspace.baselines("sift", CATEGORY))
    for measured in (*metrics.consistency.values(), *baselines.consistency.values()):
        assert measured.images == 2
        assert 0 <= measured.returned <= 1 and measured.distance >= 0 and -1 <= measured.agreement <= 1
    # Nearest neighbours are those that agree most.
    assert baselines.consistency["nearest_neighbour"].agreement > metrics.consistency["projection"].agreement


def test_the_report_and_the_pages_say_so(clone):
    table = (clone / "reports" / "table1.md").read_text()
    assert "No keypoints are annotated" in table and "Mask IoU (%)" in table and "PCK" not in table
    summary = json.loads((clone / "reports" / "metrics.json").read_text())
    assert f"wo_pose/{CATEGORY}/returned" in summary and f"wo_pose/{CATEGORY}/mask_iou" in summary
    assert (clone / "reports" / "pck_alpha.csv").read_text() == "method,alpha,pck\n"
    assert (clone / "reports" / "figures" / f"{CATEGORY}_identity.png").is_file()
    page = (clone / "reports" / "pages" / f"{CATEGORY}.html").read_text()
    assert "keypoints below the photograph are annotated" not in page
    assert "find back" in (clone / "reports" / "index.html").read_text()


def test_two_photographs_are_matched(clone, photos, tmp_path):
    a, b = sorted(photos.iterdir())[:2]
    result = semagic("match", CELL, a, b, "--to", tmp_path, "--root", clone, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["matches"]
    assert found and all(row["probability"] is None for row in found)
    table = pd.read_csv(tmp_path / "matches.csv")
    assert len(table) == len(found) and table["probability"].isna().all()
    assert read_image(tmp_path / "matches.jpg").ndim == 3


def test_a_photograph_is_reconstructed(clone, photos, tmp_path):
    path = sorted(photos.iterdir())[0]
    height, width = read_image(path).shape[:2]
    box = f"5,5,{width - 5},{height - 5}"
    result = semagic("reconstruct", CELL, path, "--box", box, "--to", tmp_path, "--root", clone)
    assert result.exit_code == 0, result.stderr
    scene = trimesh.load_scene(tmp_path / "mesh.glb", process=False)
    assert all(np.isfinite(mesh.vertices).all() for mesh in scene.geometry.values())


def test_the_bundle_takes_strangers_photographs_too(clone, photos, tmp_path):
    result = semagic("export", CELL, "--to", tmp_path / "out", "--formats", "", "--root", clone)
    assert result.exit_code == 0, result.stderr
    card = (tmp_path / "out" / "bundle" / "README.md").read_text()
    assert "It was not evaluated by keypoints" in card and "photographs of the person who trained it" in card
    path = sorted(photos.iterdir())[0]
    meshes = []
    for folder in (clone / "models" / Path(*CELL.split("-")), tmp_path / "out" / "bundle"):
        model = CategoryModel.load(folder)
        meshes.append(model.reconstruct(model.prepare(path, (10, 10, 90, 80))))
    assert all(np.array_equal(one, other) for one, other in zip(*meshes, strict=True))


@needs_fixtures
def test_genuine_photographs_are_matched_in_both_directions(clone, tmp_path):
    a, b = sorted((FIXTURES / "SPair-71k" / "JPEGImages" / "bus").glob("*.jpg"))[:2]
    boxes = []
    for path in (a, b):
        annotation = FIXTURES / "SPair-71k" / "ImageAnnotation" / "bus" / f"{path.stem}.json"
        boxes.append(",".join(map(str, json.loads(annotation.read_text())["bndbox"])))
    for (one, box_a), (other, box_b) in (((a, boxes[0]), (b, boxes[1])), ((b, boxes[1]), (a, boxes[0]))):
        target = tmp_path / one.stem
        arguments = ["--box-a", box_a, "--box-b", box_b, "--to", target, "--root", clone]
        result = semagic("match", CELL, one, other, *arguments)
        assert result.exit_code == 0, result.stderr
        table = pd.read_csv(target / "matches.csv")
        height, width = read_image(one).shape[:2]
        assert len(table) >= 5 and table["x_a"].between(0, width).all() and table["y_a"].between(0, height).all()
        assert np.isfinite(table[["x_b", "y_b"]].to_numpy()).all()

"""`semagic new`: a folder of photographs becomes the training set of a category of one's own."""

import csv
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image

from pipeline.base.yaml_text import parse_yaml
from pipeline.config.params import load_params
from pipeline.data.photographs_csv import read_rows
from pipeline.fanout.data_paths import with_folder
from pipeline.photographs.image_files import read_image, read_mask
from support.command_line import semagic
from support.paths import ROOT

WIDTH, HEIGHT = 120, 90


def photograph(seed: int) -> np.ndarray:
    """A bright ellipse before a dark, noisy background."""
    rng = np.random.default_rng(seed)
    image = rng.integers(20, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    centre = (int(rng.integers(45, 75)), int(rng.integers(35, 55)))
    cv2.ellipse(image, centre, (30, 20), float(rng.integers(0, 180)), 0, 360, (230, 180, 60), -1)
    return image


@pytest.fixture
def root(tmp_path):
    """A clone, as far as the command reads it."""
    folder = tmp_path / "clone"
    folder.mkdir()
    for name in ("params.yaml", "dvc.yaml", "downloads.yaml"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "profiles", folder / "profiles")
    return folder


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "my photos"
    folder.mkdir()
    for number in range(12):
        Image.fromarray(photograph(number)).save(folder / f"IMG {number:02d}.jpg", quality=95)
    return folder


def _table(folder, lines):
    path = folder / "table.csv"
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, sorted({name for line in lines for name in line}))
        writer.writeheader()
        writer.writerows(lines)
    return path


def _rows(root):
    return read_rows(root / "photographs" / "photographs.csv")


def test_photographs_become_a_training_set(root, photos):
    result = semagic("new", "mug", photos, "--root", root)
    assert result.exit_code == 0, result.stderr
    rows = _rows(root)
    assert [row.split for row in rows].count("test") == 2 and len(rows) == 12
    assert all(row.category == "mug" and row.image.is_file() and row.symmetry == 1 for row in rows)
    # GrabCut finds the ellipse, which is 60 pixels long at most.
    assert all(row.box is not None and max(row.box.width, row.box.height) < 75 for row in rows)
    params = load_params(root / "params.yaml")
    assert params.categories == ("mug",) and params.data.reader == "folder"
    assert params.trained == ("wo_pose",) and params.backbones == ("sift",) and params.loss.depth == 0
    assert "10 photographs to learn from, 2 held out" in result.stdout
    assert "12 are few" in result.stdout


def test_dvc_depends_on_the_photographs_and_not_on_the_releases(root, photos):
    semagic("new", "mug", photos, "--root", root)
    stages = parse_yaml((root / "dvc.yaml").read_text())["stages"]
    before = parse_yaml((ROOT / "dvc.yaml").read_text())["stages"]
    for name, stage in stages.items():
        released = [entry for entry in before[name]["deps"] if "pascal3d}" in entry or "spair}" in entry]
        own = [entry for entry in stage["deps"] if "data.folder" in entry]
        assert bool(own) == bool(released), name
        assert [entry for entry in stage["deps"] if entry not in own] == [
            entry for entry in before[name]["deps"] if entry not in released
        ]
        assert {**stage, "deps": ()} == {**before[name], "deps": ()}
    text = (root / "dvc.yaml").read_text()
    assert with_folder(text) == text and "params: [data]" in text


def test_what_cannot_be_used_is_named_with_the_reason(root, photos):
    Image.fromarray(photograph(99)[:20]).save(photos / "strip.png")
    Image.fromarray(np.zeros((60, 600, 3), np.uint8)).save(photos / "wide.png")
    shutil.copy(photos / "IMG 03.jpg", photos / "copy.jpg")
    (photos / "broken.jpg").write_bytes((photos / "IMG 04.jpg").read_bytes()[:500])
    (photos / "film.jpg").write_bytes(b"\0\0\0\x18ftypmp42" + bytes(50))
    (photos / "notes.txt").write_text("not looked at")
    result = semagic("new", "mug", photos, "--root", root)
    assert result.exit_code == 0
    assert "17 photographs in" in result.stdout and "12 usable, 5 not" in result.stdout
    for reason in (
        "strip.png: 120 x 20 pixels; at least",
        "wide.png: a panorama of 600 x 60 pixels; name the object's box",
        # Files are read in the order of their names.
        "copy.jpg",
        "broken.jpg: expected a readable image",
        "film.jpg: expected a photograph, found a video",
    ):
        assert reason in result.stdout
    assert len(_rows(root)) == 12


def test_too_few_change_nothing(root, photos):
    for path in sorted(photos.iterdir())[2:]:
        path.unlink()
    before = {name: (root / name).read_bytes() for name in ("params.yaml", "dvc.yaml")}
    result = semagic("new", "mug", photos, "--root", root)
    assert result.exit_code == 1 and "expected at least 10 usable photographs" in result.stderr
    assert "found 2. Nothing was changed" in result.stderr
    assert {name: (root / name).read_bytes() for name in before} == before
    assert not (root / "photographs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("a mug", "photos"), "The category 'a mug' cannot name a folder"),
        (("mug", "nowhere"), "expected a folder of photographs, found none"),
        (("mug", "empty"), "expected photographs"),
        (("mug", "photos", "--table", "nothing.csv"), "expected the table of annotations, found no file"),
    ],
)
def test_wrong_names_are_told(root, photos, arguments, message):
    (photos.parent / "empty").mkdir()
    category, folder, *others = arguments
    result = semagic("new", category, photos.parent / folder.replace("photos", photos.name), *others, "--root", root)
    assert result.exit_code == 1 and message in result.stderr


def test_of_very_many_evenly_spread_ones_are_used(root, photos):
    for number in range(12, 25):
        Image.fromarray(photograph(number)).save(photos / f"IMG {number:02d}.jpg")
    result = semagic("new", "mug", photos, "--root", root, "--most", 10)
    assert "25 photographs in" in result.stdout and "of which 10 evenly spread ones are looked at" in result.stdout
    names = [row.name for row in _rows(root)]
    assert len(names) == 10 and names[0] == "IMG_00" and names[-1] == "IMG_22"


def test_annotations_follow_the_photograph_into_its_smaller_copy(root, photos, monkeypatch):
    monkeypatch.setattr("semagic.own.gather.LONGEST_SIDE", WIDTH // 2)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:60, 30:90] = 255
    (photos / "masks").mkdir()
    lines = []
    for number, path in enumerate(sorted(photos.glob("*.jpg"))):
        line = {"image": path.name, "azimuth": 10 * number, "elevation": 5, "theta": 0, "symmetry": 2}
        line |= {"kp:handle:x": 40, "kp:handle:y": 50, "mask": f"masks/{path.stem}.png"}
        Image.fromarray(mask).save(photos / line["mask"])
        lines.append(line)
    lines.append({**lines[0], "image": "lost.jpg"})
    # Masks lie in the folder too, but are not photographs of the object.
    table = _table(photos, lines)
    result = semagic("new", "mug", photos, "--table", table, "--root", root)
    assert result.exit_code == 0, result.stderr
    rows = _rows(root)
    assert len(rows) == 12 and "lost.jpg: the table names it, and there is no such file" in result.stdout
    for row in rows:
        assert read_image(row.image).shape[:2] == (HEIGHT // 2, WIDTH // 2)
        assert row.keypoints == {"handle": (20.0, 25.0)} and row.symmetry == 2
        assert row.box == pytest.approx((15, 10, 45, 30))
        assert row.mask is not None and read_mask(row.mask)[12:28, 17:43].all()
    params = load_params(root / "params.yaml")
    assert params.masks.backend == "given" and params.poses.backend == "given"
    assert params.trained == ("ours_refined",)


def test_an_upright_copy_is_kept_of_a_turned_photograph(root, photos):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(photograph(50)).save(photos / "turned.jpg", exif=exif)
    semagic("new", "mug", photos, "--root", root)
    (row,) = [row for row in _rows(root) if row.name == "turned"]
    assert read_image(row.image).shape[:2] == (WIDTH, HEIGHT)


def test_without_a_mirror_plane_nothing_is_mirrored(root, photos):
    semagic("new", "mug", photos, "--root", root, "--no-mirror", "--fold", 0)
    params = load_params(root / "params.yaml")
    assert not params.training.flip
    assert not any(getattr(params.model, part).symmetric for part in ("sdf", "field", "deformation", "texture"))
    assert {row.symmetry for row in _rows(root)} == {0}
    assert semagic("new", "mug", photos, "--root", root, "--fold", 3).exit_code == 2


def test_a_second_category_joins_the_first_and_a_second_time_replaces_it(root, photos):
    semagic("new", "mug", photos, "--root", root)
    semagic("new", "jug", photos, "--root", root)
    assert load_params(root / "params.yaml").categories == ("mug", "jug")
    (photos / "IMG 00.jpg").unlink()
    semagic("new", "mug", photos, "--root", root)
    rows = _rows(root)
    assert sorted(row.category for row in rows) == ["jug"] * 12 + ["mug"] * 11
    assert load_params(root / "params.yaml").categories == ("jug", "mug")
    assert not (root / "photographs" / "mug" / "IMG_00.png").exists()

"""Mask backends: the error model of the simulated ones, and GrabCut on real and made-up photographs."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.base.seeding import seeded
from pipeline.config.label_params import GrabCutParams, SimulatedMaskParams
from pipeline.labels.masks import MaskLabel, write_mask_label
from pipeline.labels.masks.grabcut import GrabCutMasks, largest_part
from pipeline.labels.masks.simulated import SimulatedMasks, signed_distance
from pipeline.labels.noise import smooth_field
from pipeline.photographs.image_files import read_image, read_mask
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box, Instance
from pipeline.photographs.truth import truth_path, write_truth
from support.paths import GENUINE_SPAIR
from support.photographs import SHAPE, ellipse, make_instance, make_photo, make_truth

GRABCUT = GrabCutMasks(GrabCutParams(iterations=5, context=0.25, smallest_share=0.05))


def simulated(root: Path, std: float, names: list[str], seed: int = 0) -> list[np.ndarray]:
    backend = SimulatedMasks(SimulatedMaskParams(boundary_std=std, boundary_length=6.0), seed)
    for name in names:
        write_truth(truth_path(make_photo(name, root=root).path), make_truth())
    return [backend.mask(make_photo(name, root=root)) for name in names]


@given(st.integers(0, 2**32 - 1))
def test_signed_distance_equals_search_over_pixels_of_other_side(seed: int) -> None:
    mask = np.random.default_rng(seed).random((6, 7)) < 0.5
    mask[0, 0], mask[-1, -1] = True, False
    expected = np.zeros(mask.shape)
    for y, x in np.ndindex(mask.shape):
        other = np.argwhere(mask != mask[y, x])
        distance = np.sqrt(((other - [y, x]) ** 2).sum(1)).min() - 0.5
        expected[y, x] = distance if mask[y, x] else -distance
    np.testing.assert_allclose(signed_distance(mask), expected, atol=1e-5)


def test_mask_without_noise_is_true_mask(tmp_path: Path) -> None:
    (mask,) = simulated(tmp_path, 0.0, ["a"])
    np.testing.assert_array_equal(mask, ellipse())


def test_boundary_is_displaced_by_declared_amount(tmp_path: Path) -> None:
    masks = simulated(tmp_path, 2.0, [f"image_{i}" for i in range(200)])
    distance = signed_distance(ellipse())
    # A pixel at distance d stays inside with the probability Phi(d / 2), so counts over images give d / 2 back.
    share = np.mean(masks, axis=0)
    for low, high, expected in [(-2.5, -1.5, 0.16), (-0.6, 0.6, 0.5), (1.5, 2.5, 0.84), (3.5, 4.5, 0.977)]:
        ring = (distance > low) & (distance < high)
        assert share[ring].mean() == pytest.approx(expected, abs=0.04)
    assert not share[distance < -12].any()


def test_smooth_field_has_declared_variance_and_correlation() -> None:
    field = smooth_field(np.random.default_rng(0), 4000, 9, 9, 3.0)
    np.testing.assert_allclose(field.var(axis=0), 1, atol=0.12)
    for distance in (1, 3, 6):
        correlation = (field[:, 4, 0] * field[:, 4, distance]).mean()
        assert correlation == pytest.approx(np.exp(-(distance**2) / 18), abs=0.06)


def test_simulated_masks_do_not_depend_on_order(tmp_path: Path) -> None:
    forwards = simulated(tmp_path, 1.5, ["a", "b"])
    backwards = simulated(tmp_path, 1.5, ["b", "a"])[::-1]
    np.testing.assert_array_equal(forwards, backwards)
    assert (forwards[0] != forwards[1]).any()
    assert (simulated(tmp_path, 1.5, ["a"], seed=1)[0] != forwards[0]).any()


def test_seeds_differ_by_purpose_and_key() -> None:
    draws = {seeded(0, *arguments).random() for arguments in [("mask", "car/a"), ("mask", "car/b"), ("depth", "car/a")]}
    assert len(draws) == 3


def test_missing_truth_names_file_and_remedy(tmp_path: Path) -> None:
    backend = SimulatedMasks(SimulatedMaskParams(1.0, 6.0), 0)
    with pytest.raises(InputError, match=r"a\.truth\.npz.*choose another backend"):
        backend.mask(make_photo("a", root=tmp_path))


def test_grabcut_finds_made_up_object() -> None:
    mask, truth = GRABCUT.mask(make_photo("a")), ellipse()
    assert (mask & truth).sum() / (mask | truth).sum() > 0.95


def test_grabcut_box_over_whole_photograph_is_refused() -> None:
    photo = make_photo("a")
    whole = make_instance("a", box=Box(0.0, 0.0, float(SHAPE[1]), float(SHAPE[0])))
    with pytest.raises(InputError, match=r"photographs/a\.png.*both sides"):
        GRABCUT.mask(photo._replace(instance=whole))


@pytest.mark.parametrize("box", [Box(10.0, 10.0, 10.4, 10.4), Box(119.8, 89.8, 130.0, 95.0)])
def test_grabcut_box_without_pixels_is_refused(box: Box) -> None:
    with pytest.raises(InputError, match="0 of"):
        GRABCUT.mask(make_photo("a")._replace(instance=make_instance("a", box=box)))


def test_object_that_does_not_stand_out_is_an_empty_mask(tmp_path: Path) -> None:
    photo = make_photo("a")
    nothing = photo._replace(image=np.full_like(photo.image, 90))
    (label,) = GRABCUT.masks([nothing])
    with pytest.raises(InputError, match=r"a\.png.*empty"):
        write_mask_label(tmp_path / "a.png", label)
    assert not list(tmp_path.iterdir())


def test_score_lies_beside_the_mask(tmp_path: Path) -> None:
    write_mask_label(tmp_path / "a.png", MaskLabel(ellipse(), 0.875, 2))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), ellipse())
    assert json.loads((tmp_path / "a.json").read_text()) == {"score": 0.875, "candidate": 2}
    write_mask_label(tmp_path / "b.png", MaskLabel(ellipse()))
    assert not (tmp_path / "b.json").exists()


def test_largest_part_is_kept() -> None:
    mask = np.zeros((8, 8), bool)
    mask[0, 0] = mask[1, 1] = mask[4:7, 4:7] = True
    expected = np.zeros((8, 8), bool)
    expected[4:7, 4:7] = True
    np.testing.assert_array_equal(largest_part(mask), expected)
    assert not largest_part(np.zeros((3, 3), bool)).any()


@pytest.mark.skipif(not GENUINE_SPAIR.is_dir(), reason="the genuine photographs are not here")
@pytest.mark.parametrize("name", ["2008_000032", "2008_000075"])
def test_grabcut_covers_hull_of_genuine_keypoints(name: str) -> None:
    record = json.loads((GENUINE_SPAIR / f"ImageAnnotation/bus/{name}.json").read_text())
    box = Box(*(corner - 0.5 for corner in record["bndbox"]))
    image = read_image(GENUINE_SPAIR / f"JPEGImages/bus/{name}.jpg")
    height, width = image.shape[:2]
    instance = Instance("bus", name, "trn", f"{name}.jpg", width, height, box, True, False, False, None, None)
    mask = GRABCUT.mask(Photo(instance, image, Path(instance.image)))
    keypoints = np.array([point for point in record["kps"].values() if point])
    hull = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(hull, cv2.convexHull(keypoints - 1), 1)
    assert mask[hull > 0].mean() > 0.85
    assert mask.sum() < 0.85 * box.width * box.height
    np.testing.assert_array_equal(mask, GRABCUT.mask(Photo(instance, image, Path(instance.image))))

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
from pipeline.labels.masks import MaskLabel, grabcut, write_mask_label
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
        write_mask_label(tmp_path / "a.png", label, nothing.instance)
    assert not list(tmp_path.iterdir())


def test_score_lies_beside_the_mask(tmp_path: Path) -> None:
    instance = make_instance("a")
    write_mask_label(tmp_path / "a.png", MaskLabel(ellipse(), 0.875, 2), instance)
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), ellipse())
    assert json.loads((tmp_path / "a.json").read_text()) == {"score": 0.875, "candidate": 2}
    write_mask_label(tmp_path / "b.png", MaskLabel(ellipse()), instance)
    assert not (tmp_path / "b.json").exists()


def marked(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros(SHAPE, bool)
    mask[rows, columns] = True
    return mask


BOX = Box(20.0, 15.0, 100.0, 75.0)
"""Of 4800 pixels; a thousandth of it is five."""


@pytest.mark.parametrize(
    ("label", "message"),
    [
        (MaskLabel(np.zeros(SHAPE, bool)), "would be empty; nothing was found in the object's box"),
        (MaskLabel(np.zeros(SHAPE, bool), reason="the sun blinds"), "would be empty; the sun blinds"),
        (MaskLabel(marked(slice(30, 31), slice(40, 41))), "found 1 pixels, 1 of them in the box"),
        (MaskLabel(marked(slice(30, 31), slice(40, 44))), "5 pixels or more.*found 4 pixels"),
        (MaskLabel(marked(slice(0, 15), slice(0, 120))), "found 1800 pixels, 0 of them in the box"),
        (MaskLabel(np.ones(SHAPE, bool)), "found 10800 pixels, 4800 of them in the box"),
        (MaskLabel(ellipse()[:, :-1]), r"expected a mask of 120 x 90 pixels.* bool of the shape \[90, 119\]"),
        (MaskLabel(ellipse().T), r"bool of the shape \[120, 90\]"),
        (MaskLabel(ellipse()[None]), r"bool of the shape \[1, 90, 120\]"),
        (MaskLabel(ellipse().astype(np.uint8)), "found uint8"),
        (MaskLabel(ellipse(), float("nan"), 1), "score as a finite number, found nan"),
    ],
)
def test_mask_of_no_use_is_refused(tmp_path: Path, label: MaskLabel, message: str) -> None:
    with pytest.raises(InputError, match=rf"a\.png: .*{message}.*choose another backend"):
        write_mask_label(tmp_path / "a.png", label, make_instance("a", box=BOX))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("pixels", "box"),
    [
        (marked(slice(30, 31), slice(40, 45)), BOX),
        (marked(slice(50, 52), slice(60, 62)), Box(60.0, 50.0, 62.0, 52.0)),
        (marked(slice(0, 75), slice(20, 100)), BOX),
        (np.ones(SHAPE, bool), Box(-4.0, -4.0, 200.0, 100.0)),
    ],
)
def test_small_masks_and_ones_a_little_beyond_the_box_are_labels(tmp_path: Path, pixels: np.ndarray, box: Box) -> None:
    write_mask_label(tmp_path / "a.png", MaskLabel(pixels), make_instance("a", box=box))
    np.testing.assert_array_equal(read_mask(tmp_path / "a.png"), pixels)


def test_grabcut_of_a_large_photograph_is_that_of_the_shrunk_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A photograph of three times the size, with and without room for it."""
    photo, truth = make_photo("a"), np.kron(ellipse(), np.ones((3, 3), bool))
    large = photo._replace(
        image=cv2.resize(photo.image, None, fx=3, fy=3, interpolation=cv2.INTER_LINEAR),
        instance=make_instance("a", box=Box(*(3 * corner for corner in photo.instance.box))),
    )
    whole = GRABCUT.mask(large)
    monkeypatch.setattr(grabcut, "MOST_PIXELS", 12000)
    seen, segment = [], GrabCutMasks._segment

    def recorded(backend: GrabCutMasks, image: np.ndarray, labels: np.ndarray) -> np.ndarray:
        seen.append(image.shape[:2])
        assert image.shape[:2] == labels.shape
        return segment(backend, image, labels)

    monkeypatch.setattr(GrabCutMasks, "_segment", recorded)
    shrunk = GRABCUT.mask(large)
    assert seen[0][0] * seen[0][1] <= 12000 and shrunk.shape == whole.shape
    for mask in (whole, shrunk):
        assert (mask & truth).sum() / (mask | truth).sum() > 0.9


def test_box_that_vanishes_when_it_is_shrunk_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    photo = make_photo("a")
    monkeypatch.setattr(grabcut, "MOST_PIXELS", 1000)
    row = photo._replace(instance=make_instance("a", box=Box(20.0, 41.0, 100.0, 42.0)))
    with pytest.raises(InputError, match="0 of [0-9]+ pixels lie in the box of 'car/a'"):
        GRABCUT.mask(row)


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

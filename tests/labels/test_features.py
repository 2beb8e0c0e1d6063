"""Feature backends: what the simulated tokens can and cannot tell, and dense SIFT."""

import dataclasses
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.label_params import SiftParams, SimulatedFeatureParams
from pipeline.labels.features import Tokens, read_tokens, write_tokens
from pipeline.labels.features.sift import SiftFeatures, root_sift
from pipeline.labels.features.simulated import SimulatedFeatures
from pipeline.labels.patches import patch_coverage
from pipeline.photographs.crops import Crop, square_crop
from pipeline.photographs.photo import Photo
from pipeline.photographs.records import Box
from pipeline.photographs.truth import Truth, truth_path, write_truth
from support.photographs import SHAPE, ellipse, make_instance, make_photo, make_truth

GRID = 16
CLEAN = SimulatedFeatureParams(
    dims=24,
    code_dims=12,
    frequency=1.0,
    white_noise=0.0,
    smooth_noise=0.0,
    smooth_length=4.0,
    instance_noise=0.0,
    background_length=4.0,
)
NOISY = dataclasses.replace(CLEAN, white_noise=0.2, smooth_noise=0.2, instance_noise=0.2)
CROP = square_crop(Box(20.0, 15.0, 100.0, 75.0), 1.2)


def tokens_of(
    root: Path,
    name: str,
    params: SimulatedFeatureParams = CLEAN,
    truth: Truth | None = None,
    flip: bool = False,
    category: str = "car",
) -> np.ndarray:
    photo = make_photo(name, category=category, root=root)
    write_truth(truth_path(photo.path), truth or make_truth())
    return SimulatedFeatures(params, GRID, 0).tokens(photo, CROP, flip)


def inside() -> np.ndarray:
    """Patches that the object covers wholly."""
    return patch_coverage(ellipse(), CROP, GRID) == 1


def test_equal_across_instances_without_noise(tmp_path: Path) -> None:
    a, b = tokens_of(tmp_path, "a"), tokens_of(tmp_path, "b")
    np.testing.assert_allclose(a[inside()], b[inside()], atol=1e-6)
    # The background is another one, in every patch that has some.
    assert (np.abs(a - b).max(-1) > 1e-3)[~inside()].all()


def test_left_and_right_are_indistinguishable(tmp_path: Path) -> None:
    truth = make_truth()
    mirrored = truth._replace(surface=(truth.surface * np.float16([-1, 1, 1])).astype(np.float16))
    a, b = tokens_of(tmp_path, "a", truth=truth), tokens_of(tmp_path, "a", truth=mirrored)
    np.testing.assert_array_equal(a, b)
    # The made-up object is its own mirror image, and so are its tokens.
    np.testing.assert_allclose(a[inside()], a[:, ::-1][inside()], atol=0.02)


def test_other_surface_points_have_other_tokens(tmp_path: Path) -> None:
    tokens = tokens_of(tmp_path, "a").astype(np.float64)
    tokens /= np.linalg.norm(tokens, axis=-1, keepdims=True)
    rows, columns = np.nonzero(inside())
    found = tokens[rows, columns] @ tokens[rows, columns].T
    for i in range(len(rows)):
        similar = found[i] > 0.999
        # Only the patch itself and its mirror image look the same.
        assert set(columns[similar]) <= {columns[i], GRID - 1 - columns[i]} and set(rows[similar]) == {rows[i]}


def test_token_mixes_object_and_background_by_coverage(tmp_path: Path) -> None:
    truth = make_truth()
    everywhere, surface = np.ones(SHAPE, bool), np.full((*SHAPE, 3), 0.2, np.float16)
    # The crop reaches beyond the photograph at its top and bottom.
    within = patch_coverage(everywhere, CROP, GRID)[..., None] == 1
    code = tokens_of(tmp_path, "a", truth=truth._replace(mask=everywhere, surface=surface))
    background = tokens_of(tmp_path, "a", truth=truth._replace(mask=~everywhere, surface=0 * surface))
    mixed = tokens_of(tmp_path, "a", truth=truth._replace(surface=surface * truth.mask[..., None]))
    share = patch_coverage(truth.mask, CROP, GRID)[..., None]
    expected = share * code + (1 - share) * background
    assert ((share > 0) & (share < 1)).sum() > 10
    np.testing.assert_allclose(np.where(within, mixed, 0), np.where(within, expected, 0), atol=1e-5)


def test_code_spans_the_declared_dimensions_and_keeps_its_amplitude(tmp_path: Path) -> None:
    surface = np.random.default_rng(0).uniform(-0.5, 0.5, (4000, 3))
    mixed = SimulatedFeatures(CLEAN, GRID, 0)._code(surface, "car")
    assert np.linalg.matrix_rank(mixed, tol=1e-6) == CLEAN.code_dims
    np.testing.assert_allclose(np.square(mixed).mean(), 0.5, rtol=0.25)


def test_code_has_declared_frequency(tmp_path: Path) -> None:
    backend = SimulatedFeatures(dataclasses.replace(CLEAN, dims=2000, code_dims=2000, frequency=1.5), GRID, 0)
    step = 1e-3
    points = np.array([[0.2, 0.1, -0.1]]) + step * np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    code = backend._code(points, "car")
    # E[|grad cos(w s + b)|^2] = E[|w|^2] / 2.
    squared = ((code[1:] - code[0]) / step) ** 2
    assert np.sqrt(2 * squared.sum(0).mean()) / (2 * np.pi) == pytest.approx(1.5, rel=0.05)
    assert (code**2).mean() == pytest.approx(0.5, abs=0.03)


def test_categories_have_their_own_code(tmp_path: Path) -> None:
    car, chair = tokens_of(tmp_path, "a"), tokens_of(tmp_path, "a", category="chair")
    assert np.abs(car - chair)[inside()].mean() > 0.3


@pytest.mark.parametrize("params", [CLEAN, NOISY])
def test_mirrored_crop_has_mirrored_tokens(tmp_path: Path, params: SimulatedFeatureParams) -> None:
    plain, flipped = tokens_of(tmp_path, "a", params), tokens_of(tmp_path, "a", params, flip=True)
    np.testing.assert_array_equal(flipped, plain[:, ::-1])


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"white_noise": 0.3}, 0.3), ({"smooth_noise": 0.3}, 0.3), ({"instance_noise": 0.3}, 0.3)],
)
def test_each_noise_has_declared_size(tmp_path: Path, change: dict[str, float], expected: float) -> None:
    noisy = dataclasses.replace(CLEAN, **change)
    errors = []
    for i in range(20):
        difference = tokens_of(tmp_path, f"{i}", noisy) - tokens_of(tmp_path, f"{i}")
        errors.append(difference[inside()])
    errors = np.stack(errors)
    assert errors.std() == pytest.approx(expected, rel=0.1)
    varies_in_image = errors.std(axis=1).mean()
    if "instance_noise" in change:
        assert varies_in_image < 1e-6
    else:
        assert varies_in_image > 0.1


def test_smooth_noise_is_shared_by_neighbours_and_white_noise_is_not(tmp_path: Path) -> None:
    correlations = {}
    for name in ("white_noise", "smooth_noise"):
        noisy = dataclasses.replace(CLEAN, **{name: 0.3})
        error = tokens_of(tmp_path, "a", noisy) - tokens_of(tmp_path, "a")
        correlations[name] = (error[:, 1:] * error[:, :-1]).mean() / (error**2).mean()
    assert abs(correlations["white_noise"]) < 0.05
    assert correlations["smooth_noise"] == pytest.approx(np.exp(-1 / 32), abs=0.05)


def test_does_not_depend_on_order(tmp_path: Path) -> None:
    forwards = [tokens_of(tmp_path, name, NOISY) for name in "ab"]
    backwards = [tokens_of(tmp_path, name, NOISY) for name in "ba"][::-1]
    np.testing.assert_array_equal(forwards, backwards)


def test_coverage_is_area_share_and_nothing_lies_beyond_image() -> None:
    mask = np.zeros(SHAPE, bool)
    mask[:, 30:] = True
    share = patch_coverage(mask, Crop(0.0, 50.0, 80.0), 2)
    np.testing.assert_allclose(share, [[0.25, 1.0], [0.0, 0.0]])


def test_file_round_trip(tmp_path: Path) -> None:
    tokens = np.random.default_rng(0).normal(size=(4, 4, 3)).astype(np.float32)
    write_tokens(tmp_path / "a.npz", Tokens(tokens, tokens[:, ::-1]))
    write_tokens(tmp_path / "b.npz", Tokens(tokens, tokens[:, ::-1]))
    write_tokens(tmp_path / "c.npz", Tokens(tokens, None))
    write_checksums(tmp_path)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    stored = read_tokens(tmp_path / "a.npz")
    assert np.load(tmp_path / "a.npz")["tokens"].dtype == np.float16
    assert stored.tokens.dtype == np.float32
    np.testing.assert_allclose(stored.tokens, tokens, rtol=1e-3, atol=1e-6)
    np.testing.assert_array_equal(stored.flipped, stored.tokens[:, ::-1])
    assert read_tokens(tmp_path / "c.npz").flipped is None
    with pytest.raises(InputError, match=r"d\.npz.*stage `features`"):
        read_tokens(tmp_path / "d.npz")


def textured(offset: int = 0) -> np.ndarray:
    """Smooth random texture of `SHAPE`, moved right by `offset` pixels."""
    rng = np.random.default_rng(0)
    grey = cv2.GaussianBlur(rng.normal(size=(SHAPE[0], SHAPE[1] + 100)), (0, 0), 2)
    grey = ((grey - grey.min()) / np.ptp(grey) * 255).astype(np.uint8)
    return np.repeat(grey[:, 50 - offset : 50 - offset + SHAPE[1], None], 3, axis=2)


def sift_tokens(image: np.ndarray, crop: Crop, flip: bool = False) -> np.ndarray:
    instance = make_instance("a")
    return SiftFeatures(SiftParams(support=4.0), GRID).tokens(Photo(instance, image, Path(instance.image)), crop, flip)


def test_sift_matches_translated_texture() -> None:
    crop = Crop(20.0, 5.0, 80.0)
    # Ten pixels are two patches.
    a, b = sift_tokens(textured(), crop), sift_tokens(textured(10), crop)
    assert a.shape == (GRID, GRID, 128)
    similarity = np.einsum("ijd,ild->ijl", a[3:-3, 3:-5].astype(np.float64), b[3:-3])
    best = similarity.argmax(-1)
    assert (best == np.arange(3, GRID - 5) + 2).mean() > 0.98


def test_sift_of_mirrored_crop_is_that_of_mirrored_photograph() -> None:
    image, crop = textured(), Crop(20.0, 5.0, 80.0)
    np.testing.assert_allclose(
        sift_tokens(image, crop, flip=True), sift_tokens(np.ascontiguousarray(image[:, ::-1]), crop), atol=0.05
    )


def test_sift_patch_centres() -> None:
    # One bright dot: the patches around it have a gradient, those farther than half the support have none.
    image = np.zeros((*SHAPE, 3), np.uint8)
    image[42:48, 57:63] = 255
    tokens = sift_tokens(image, Crop(20.0, 5.0, 80.0))
    rows, columns = np.nonzero(tokens.any(-1))
    assert rows.mean() == pytest.approx((45 - 5) / 5 - 0.5, abs=0.1)
    assert columns.mean() == pytest.approx((60 - 20) / 5 - 0.5, abs=0.1)
    assert rows.max() - rows.min() <= 8


@given(arrays.arrays(np.float32, (5, 8), elements=st.floats(0, 255, width=32)))
def test_root_sift_has_unit_or_zero_norm(descriptors: np.ndarray) -> None:
    norms = np.linalg.norm(root_sift(descriptors), axis=-1)
    textured_rows = descriptors.sum(-1) > 1e-6
    np.testing.assert_allclose(norms[textured_rows], 1, atol=1e-5)
    assert np.isfinite(norms).all()

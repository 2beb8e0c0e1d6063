"""Depth labels: disparity up to scale and shift, with the declared noise."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.label_params import SimulatedDepthParams
from pipeline.labels.depth import read_depth, write_depth
from pipeline.labels.depth.simulated import SimulatedDepth
from pipeline.photographs.truth import truth_path, write_truth
from support.photographs import make_photo, make_truth

CLEAN = SimulatedDepthParams(smooth_noise=0.0, smooth_length=8.0, white_noise=0.0, scale_std=1.0, shift_std=3.0)
NOISY = SimulatedDepthParams(smooth_noise=0.3, smooth_length=8.0, white_noise=0.1, scale_std=1.0, shift_std=3.0)


def simulated(root: Path, params: SimulatedDepthParams, names: list[str]) -> list[np.ndarray]:
    for name in names:
        write_truth(truth_path(make_photo(name, root=root).path), make_truth())
    backend = SimulatedDepth(params, 0)
    return [backend.disparity(make_photo(name, root=root)).astype(np.float64) for name in names]


def affine_fit(disparity: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Least squares a, b and residual of `disparity` = a / z + b over the whole image."""
    inverse = 1 / make_truth().depth.astype(np.float64)
    a, b = np.polyfit(inverse.ravel(), disparity.ravel(), 1)
    return a, b, disparity - a * inverse - b


def test_without_noise_is_affine_in_inverse_depth_with_positive_scale(tmp_path: Path) -> None:
    fits = [affine_fit(disparity) for disparity in simulated(tmp_path, CLEAN, [f"image_{i}" for i in range(60)])]
    scales, shifts = np.array([fit[0] for fit in fits]), np.array([fit[1] for fit in fits])
    assert max(abs(fit[2]).max() / fit[0] for fit in fits) < 1e-5
    assert (scales > 0).all()
    assert np.log(scales).std() == pytest.approx(1.0, abs=0.25)
    assert (shifts > 0).any() and (shifts < 0).any()


def test_noise_has_declared_size_relative_to_relief(tmp_path: Path) -> None:
    truth = make_truth()
    sigma = (1 / truth.depth.astype(np.float64))[truth.mask].std()
    fits = [affine_fit(disparity) for disparity in simulated(tmp_path, NOISY, [f"image_{i}" for i in range(60)])]
    relative = np.stack([residual / (scale * sigma) for scale, _, residual in fits])
    assert relative.std() == pytest.approx(np.hypot(0.3, 0.1), rel=0.05)
    # Neighbouring pixels share the smooth part, 0.3^2 (correlation 0.99), and not the white one.
    product = (relative[:, :, 1:] * relative[:, :, :-1]).mean()
    assert product == pytest.approx(0.09 * np.exp(-1 / 128), rel=0.1)


def test_larger_is_nearer_on_object_and_background(tmp_path: Path) -> None:
    (disparity,) = simulated(tmp_path, NOISY, ["a"])
    truth = make_truth()
    assert np.corrcoef(disparity[truth.mask], -truth.depth[truth.mask])[0, 1] > 0.9
    assert disparity[truth.mask].min() > disparity[~truth.mask].max()


def test_does_not_depend_on_order(tmp_path: Path) -> None:
    forwards = simulated(tmp_path, NOISY, ["a", "b"])
    backwards = simulated(tmp_path, NOISY, ["b", "a"])[::-1]
    np.testing.assert_array_equal(forwards, backwards)
    assert (forwards[0] != forwards[1]).any()


def test_file_holds_standardised_disparity(tmp_path: Path) -> None:
    (disparity,) = simulated(tmp_path, NOISY, ["a"])
    write_depth(tmp_path / "a.npy", disparity.astype(np.float32))
    write_checksums(tmp_path)
    label = read_depth(tmp_path / "a.npy", *disparity.shape)
    assert np.load(tmp_path / "a.npy").dtype == np.float16
    assert label.mean() == pytest.approx(0, abs=1e-3)
    assert label.std() == pytest.approx(1, abs=1e-3)
    assert np.corrcoef(label.ravel(), disparity.ravel())[0, 1] > 0.9999


def test_empty_object_is_refused(tmp_path: Path) -> None:
    truth, photo = make_truth(), make_photo("a", root=tmp_path)
    write_truth(truth_path(photo.path), truth._replace(mask=np.zeros_like(truth.mask)))
    with pytest.raises(InputError, match=r"a\.truth\.npz.*no pixels"):
        SimulatedDepth(CLEAN, 0).disparity(photo)


def test_missing_label_names_the_stage(tmp_path: Path) -> None:
    write_checksums(tmp_path)
    with pytest.raises(InputError, match=r"a\.npy.*stage `depth`"):
        read_depth(tmp_path / "a.npy", 4, 4)

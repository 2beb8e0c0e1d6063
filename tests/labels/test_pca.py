"""Principal components against a singular value decomposition."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.labels.components.pca import fit_pca, read_pca, write_pca


def make_tokens(seed: int, count: int = 300, channels: int = 7) -> np.ndarray:
    """Gaussian tokens of a different spread in each direction, off the origin."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(channels, channels)))
    return ((rng.normal(size=(count, channels)) * 2.0 ** -np.arange(channels)) @ basis + 3).astype(np.float32)


def reference(tokens: np.ndarray, dims: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and components from the SVD of the centred tokens, each with its largest entry positive."""
    centred = tokens.astype(np.float64) - tokens.astype(np.float64).mean(0)
    components = np.linalg.svd(centred, full_matrices=False)[2][:dims]
    for component in components:
        if component[np.argmax(abs(component))] < 0:
            component *= -1
    return tokens.astype(np.float64).mean(0), components


@given(st.integers(0, 2**32 - 1), st.integers(1, 7))
@settings(max_examples=25)
def test_equals_singular_value_decomposition(seed: int, dims: int) -> None:
    tokens = make_tokens(seed)
    pca = fit_pca(tokens, dims)
    mean, components = reference(tokens, dims)
    np.testing.assert_allclose(pca.mean, mean, atol=1e-5)
    np.testing.assert_allclose(pca.components, components, atol=1e-4)
    expected = (tokens - mean) @ components.T
    projected = pca.project(tokens)
    np.testing.assert_allclose(projected, expected, atol=1e-3)
    low, high = pca.low, pca.high
    assert (((projected < low).mean(0) - 0.01) < 0.005).all()
    assert (((projected > high).mean(0) - 0.01) < 0.005).all()
    assert (low < high).all()


def test_fit_in_parts_equals_fit_at_once() -> None:
    tokens = make_tokens(0, count=150_000, channels=3)
    np.testing.assert_allclose(fit_pca(tokens, 2).components, reference(tokens, 2)[1], atol=1e-4)


def test_projects_grids_of_tokens() -> None:
    tokens = make_tokens(1)
    pca = fit_pca(tokens, 4)
    grid = pca.project(tokens[:24].reshape(2, 3, 4, 7))
    assert grid.dtype == np.float32
    np.testing.assert_allclose(grid, pca.project(tokens[:24]).reshape(2, 3, 4, 4), atol=1e-6)


def test_unit_range_is_that_of_nearly_all_tokens() -> None:
    tokens = make_tokens(4)
    pca = fit_pca(tokens, 4)
    unit = pca.to_unit(pca.project(tokens))
    assert unit.min() == 0 and unit.max() == 1
    assert ((unit > 0) & (unit < 1)).mean() > 0.97
    np.testing.assert_allclose(pca.to_unit((pca.low + pca.high)[None] / 2), 0.5, atol=1e-6)


def test_order_of_tokens_does_not_matter() -> None:
    tokens = make_tokens(2)
    np.testing.assert_allclose(fit_pca(tokens, 3).components, fit_pca(tokens[::-1].copy(), 3).components, atol=1e-5)


def test_too_many_components_name_the_parameter() -> None:
    with pytest.raises(InputError, match="pca.dims is 8, but the features have 7 channels"):
        fit_pca(make_tokens(0), 8)
    with pytest.raises(InputError, match="pca.dims is 4, but the 3 tokens vary in fewer than 4 directions"):
        fit_pca(make_tokens(0, count=3), 4)


def with_value(value: float) -> np.ndarray:
    tokens = make_tokens(0)
    tokens[17, 3] = value
    return tokens


def nearly_constant() -> np.ndarray:
    """One token in two hundred varies in the last direction, so that its quantiles are equal."""
    tokens = np.zeros((400, 3), np.float32)
    tokens[:, 0] = np.tile([50, -50], 200)
    tokens[[8, 10], 1] = [500, -500]
    return tokens


@pytest.mark.parametrize(
    ("tokens", "dims", "message"),
    [
        (with_value(np.nan), 2, "expected finite features"),
        (with_value(np.inf), 2, "expected finite features"),
        (np.full((50, 7), 0.1, np.float32), 1, "50 tokens vary in fewer than 1 directions"),
        (np.zeros((50, 7), np.float32), 1, "50 tokens vary in fewer than 1 directions"),
        (make_tokens(0)[:1], 1, "1 tokens vary in fewer than 1 directions"),
        (nearly_constant(), 2, "400 tokens vary in fewer than 2 directions"),
    ],
)
def test_tokens_without_such_components_are_refused(tokens: np.ndarray, dims: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_pca(tokens, dims)


def test_file_round_trip(tmp_path: Path) -> None:
    pca = fit_pca(make_tokens(3), 5)
    for name in "ab":
        write_pca(tmp_path / name / "pca.safetensors", pca)
    assert (tmp_path / "a/pca.safetensors").read_bytes() == (tmp_path / "b/pca.safetensors").read_bytes()
    for read, written in zip(read_pca(tmp_path / "a/pca.safetensors"), pca, strict=True):
        np.testing.assert_array_equal(read, written)
    with pytest.raises(InputError, match=r"c\.safetensors.*stage `pca`"):
        read_pca(tmp_path / "c.safetensors")

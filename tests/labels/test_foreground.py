"""The foreground's probability against scipy's normal distributions."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import multivariate_normal

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.labels.components.foreground import fit_foreground, read_foreground, write_foreground
from pipeline.labels.components.masked_tokens import MaskedTokens


def made_images(seed: int, count: int = 6, channels: int = 3) -> list[MaskedTokens]:
    """Tokens on the object are elsewhere, and spread in other directions."""
    rng = np.random.default_rng(seed)
    images = []
    for _ in range(count):
        coverage = rng.random((8, 8))
        on = rng.normal(size=(8, 8, channels)) @ rng.normal(size=(channels, channels)) + 1
        beside = rng.normal(size=(8, 8, channels)) * 0.7
        images.append(MaskedTokens(np.where(coverage[..., None] >= 0.4, on, beside).astype(np.float32), coverage))
    return images


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_is_bayes_rule_with_two_normal_distributions(seed: int) -> None:
    images = made_images(seed)
    tokens = np.concatenate([image.tokens.reshape(-1, 3) for image in images]).astype(np.float64)
    on = np.concatenate([image.coverage.ravel() for image in images]) >= 0.4
    log_odds = np.log(on.sum() / (~on).sum())
    for sign, part in ((1, tokens[on]), (-1, tokens[~on])):
        covariance = np.cov(part.T, bias=True)
        covariance = 0.999 * covariance + 0.001 * np.trace(covariance) / 3 * np.eye(3)
        log_odds = log_odds + sign * multivariate_normal(part.mean(0), covariance).logpdf(tokens)
    found = fit_foreground(images, 0.4).probability(torch.from_numpy(tokens).float())
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-log_odds)), atol=2e-4)


def test_tells_maps_of_tokens() -> None:
    images = made_images(0)
    foreground = fit_foreground(images, 0.4)
    maps = torch.from_numpy(np.stack([image.tokens for image in images]))
    assert foreground.probability(maps).shape == (6, 8, 8)
    torch.testing.assert_close(foreground.probability(maps)[2, 3], foreground.probability(maps[2, 3]))


def test_tokens_that_do_not_vary_are_no_error() -> None:
    image = made_images(0)[0]
    constant = MaskedTokens(
        np.where(image.coverage[..., None] >= 0.5, 1, 0).repeat(3, -1).astype(np.float32), image.coverage
    )
    found = fit_foreground([constant], 0.5).probability(torch.from_numpy(constant.tokens))
    np.testing.assert_array_equal(found.numpy() > 0.5, constant.coverage >= 0.5)


@pytest.mark.parametrize(("coverage", "message"), [(0.0, "64 training patches .* and 0 on them"), (1.0, "0 training")])
def test_masks_that_cover_nothing_or_everything_are_refused(coverage: float, message: str) -> None:
    image = MaskedTokens(np.ones((8, 8, 3), np.float32), np.full((8, 8), coverage))
    with pytest.raises(InputError, match=message):
        fit_foreground([image], 0.5)


def test_tokens_that_are_not_finite_are_refused() -> None:
    image = made_images(0)[0]
    image.tokens[3, 3, 1] = np.nan
    with pytest.raises(InputError, match="expected finite features"):
        fit_foreground([image], 0.5)


def test_file_round_trip(tmp_path: Path) -> None:
    foreground = fit_foreground(made_images(1), 0.5)
    for name in "ab":
        write_foreground(tmp_path / name / "foreground.safetensors", foreground)
        write_checksums(tmp_path / name)
    assert (tmp_path / "a/foreground.safetensors").read_bytes() == (tmp_path / "b/foreground.safetensors").read_bytes()
    for read, written in zip(read_foreground(tmp_path / "a/foreground.safetensors"), foreground, strict=True):
        np.testing.assert_array_equal(read, written)
    with pytest.raises(InputError, match=r"c\.safetensors.*stage `pca`"):
        read_foreground(tmp_path / "c.safetensors")

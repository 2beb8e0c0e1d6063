"""The probability that a patch shows the object, from its token alone: where a photograph has no mask."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float32, Float64
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.labels.components.arrays import read_arrays, write_arrays

SHRINKAGE = 1e-3
"""Share of a multiple of the unit matrix in each covariance, which is then regular for tokens that do not vary too."""


class Foreground(NamedTuple):
    """Two normal distributions of tokens: row 0 of beside the object, row 1 of on it.

    By Bayes' rule, the logarithm of the odds that a token x is on the object is

        log (n_1 / n_0) + (d_0(x) - d_1(x)) / 2,   d_k(x) = |W_k (x - mean_k)|^2 - log det(W_k W_k^T),

    with W_k^T W_k the inverse covariance and n_k the shares of the tokens (quadratic discriminant analysis).
    """

    mean: Float32[np.ndarray, "2 D"]
    whitening: Float32[np.ndarray, "2 D D"]
    """W, lower triangular with a positive diagonal."""
    log_odds: Float32[np.ndarray, "1"]
    """log (n_1 / n_0)."""

    def probability(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B"]:
        """Probability of each token to be on the object."""
        mean, whitening, log_odds = (torch.from_numpy(array).to(tokens.device) for array in self)
        beside, on = (
            ((tokens - mean[k]) @ whitening[k].mT).square().sum(-1) - 2 * whitening[k].diagonal().log().sum()
            for k in (0, 1)
        )
        return (log_odds + (beside - on) / 2).sigmoid()


def fit_foreground(
    images: Iterable[tuple[Float[np.ndarray, "T T D"], Float[np.ndarray, "T T"]]], share: float
) -> Foreground:
    """Fit to the patches of training images; moments are summed in double precision, image by image.

    Args:
        images: tokens of each crop, and the share of each patch that the object's mask covers.
        share: part of a patch that the mask must cover for it to count as on the object.

    Raises:
        InputError: no patch, or each, is on an object, or a token is not finite.
    """
    sums = [_Moments(), _Moments()]
    for tokens, coverage in images:
        on = coverage >= share
        for moments, chosen in zip(sums, (~on, on), strict=True):
            moments.add(tokens[chosen].astype(np.float64))
    counts = [moments.count for moments in sums]
    if min(counts) == 0:
        raise InputError(
            f"{counts[0]} training patches lie beside the objects and {counts[1]} on them: expected some of each. Look "
            "at the masks, and at data.crop_margin and pca.foreground_share in params.yaml."
        )
    mean, covariance = (np.stack(arrays) for arrays in zip(*(moments.fit() for moments in sums), strict=True))
    if not np.isfinite(covariance).all():
        raise InputError(
            "The training patches: expected finite features, found others. Run the stage `features` again."
        )
    whitening = np.stack([np.linalg.inv(np.linalg.cholesky(one)) for one in covariance])
    log_odds = np.log([counts[1] / counts[0]])
    return Foreground(*(array.astype(np.float32) for array in (mean, whitening, log_odds)))


def write_foreground(path: Path, foreground: Foreground) -> None:
    """Write as safetensors, with its checksum; equal content gives equal bytes."""
    write_arrays(path, foreground)


def read_foreground(path: Path) -> Foreground:
    """Read what `write_foreground` wrote.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    return read_arrays(path, Foreground, "what tells the object from its background", _fits)


def _fits(foreground: Foreground) -> bool:
    dims = foreground.mean.shape[-1]
    if [array.shape for array in foreground] != [(2, dims), (2, dims, dims), (1,)]:
        return False
    if not (foreground.whitening.diagonal(axis1=1, axis2=2) > 0).all():
        raise ValueError("a diagonal that is not positive")
    return True


class _Moments:
    """Running sums of tokens and of their products."""

    def __init__(self) -> None:
        self.count = 0
        self._sum = np.zeros(())
        self._products = np.zeros(())

    def add(self, tokens: Float64[np.ndarray, "N D"]) -> None:
        self.count += len(tokens)
        self._sum = self._sum + tokens.sum(0)
        self._products = self._products + tokens.T @ tokens

    def fit(self) -> tuple[Float64[np.ndarray, "D"], Float64[np.ndarray, "D D"]]:
        """Mean, and covariance after the shrinkage."""
        mean = self._sum / self.count
        covariance = self._products / self.count - np.outer(mean, mean)
        size = max(float(np.trace(covariance)) / len(mean), 1e-6)
        return mean, (1 - SHRINKAGE) * covariance + SHRINKAGE * size * np.eye(len(mean))

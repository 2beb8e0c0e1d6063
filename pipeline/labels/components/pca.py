"""Principal components of patch features (SEMAGIC section 4.2 reduces DINOv2 to 16 dimensions)."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from pipeline.base.errors import InputError
from pipeline.labels.components.arrays import read_arrays, write_arrays


class Pca(NamedTuple):
    """An orthonormal basis of the features' main directions, and the range of the tokens of the fit in it."""

    mean: Float32[np.ndarray, "D"]
    components: Float32[np.ndarray, "K D"]
    """Orthonormal rows, by falling variance; the entry of largest magnitude in each is positive."""
    low: Float32[np.ndarray, "K"]
    """Quantile of 1 % of each component."""
    high: Float32[np.ndarray, "K"]
    """99 % quantile of each component."""

    def project(self, tokens: Float[np.ndarray, "*N D"]) -> Float32[np.ndarray, "*N K"]:
        """Components of `tokens`, not scaled: (token - mean) . component."""
        return ((tokens - self.mean) @ self.components.T).astype(np.float32)

    def to_unit(self, projected: Float[np.ndarray, "*N K"]) -> Float32[np.ndarray, "*N K"]:
        """Scale components from [low, high] to [0, 1]; what lies outside is clipped."""
        return ((projected - self.low) / (self.high - self.low)).clip(0, 1).astype(np.float32)


def fit_pca(tokens: Float[np.ndarray, "N D"], dims: int) -> Pca:
    """Fit the first `dims` principal components: eigenvectors of the covariance, accumulated in double precision.

    Raises:
        InputError: a token is not finite, there are fewer channels than `dims`, or the tokens do not vary in so many
            directions.
    """
    count, channels = tokens.shape
    if not np.isfinite(tokens).all():
        raise InputError(f"{count} tokens: expected finite features, found others. Run the stage `features` again.")
    if dims > channels:
        raise InputError(f"params.yaml: pca.dims is {dims}, but the features have {channels} channels. Lower pca.dims.")
    parts = np.array_split(tokens, 1 + count // 65536)
    mean = tokens.mean(0, dtype=np.float64)
    covariance = sum((part - mean).T @ (part - mean) for part in parts) / count
    variances, vectors = np.linalg.eigh(covariance)
    if not variances[-dims] > 1e-10 * variances[-1]:
        raise _too_flat(count, dims)
    components = vectors[:, ::-1][:, :dims].T
    largest = np.abs(components).argmax(1)
    components = components * np.sign(components[np.arange(dims), largest])[:, None]
    projected = np.concatenate([(part - mean) @ components.T for part in parts])
    low, high = np.quantile(projected, [0.01, 0.99], axis=0)
    pca = Pca(*(array.astype(np.float32) for array in (mean, components, low, high)))
    # `Pca.to_unit` divides by the difference.
    if not (pca.high > pca.low).all():
        raise _too_flat(count, dims)
    return pca


def _too_flat(count: int, dims: int) -> InputError:
    return InputError(
        f"params.yaml: pca.dims is {dims}, but the {count} tokens vary in fewer than {dims} directions. Lower "
        "pca.dims, or fit on more images."
    )


def write_pca(path: Path, pca: Pca) -> None:
    """Write as safetensors with its checksum; equal content gives equal bytes."""
    write_arrays(path, pca)


def read_pca(path: Path) -> Pca:
    """Read what `write_pca` wrote.

    Raises:
        InputError: there is no such file, or it is damaged.
    """
    return read_arrays(path, Pca, "the principal components of patch features", _fits)


def _fits(pca: Pca) -> bool:
    dims, channels = pca.components.shape
    return [array.shape for array in pca] == [(channels,), (dims, channels), (dims,), (dims,)]

"""Reading a grid of patch features between its patches, by bilinear interpolation."""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def sample_map(tokens: Float[Tensor, "T T C"], points: Float[Tensor, "*N 2"]) -> Float[Tensor, "*N C"]:
    """Features at `points`, in crop coordinates.

    Token [i, j] lies at ((j + 0.5) / T, (i + 0.5) / T); beyond the outermost tokens the border's value continues.
    """
    grid = 2 * points.reshape(1, 1, -1, 2) - 1
    values = functional.grid_sample(
        tokens.permute(2, 0, 1)[None], grid.to(tokens.dtype), padding_mode="border", align_corners=False
    )
    return values[0, :, 0].T.reshape(*points.shape[:-1], tokens.shape[-1])


def upsample(maps: Float[Tensor, "K T T"], size: int) -> Float[Tensor, "K S S"]:
    """`maps` at the pixel centres of an S x S image of the same crop; agrees with `sample_map`."""
    return functional.interpolate(maps[:, None], size=(size, size), mode="bilinear", align_corners=False)[:, 0]

"""Images of posed meshes: what each pixel shows of a mesh, and its colours and features."""

from typing import NamedTuple

from jaxtyping import Bool, Float
from torch import Tensor


class GBuffer(NamedTuple):
    """Posed meshes, and what of them each of S x S pixels shows; row 0 is the top."""

    clip: Float[Tensor, "B N 4"]
    """Clip coordinates of the vertices."""
    rast: Float[Tensor, "B S S 4"]
    """The rasterizer's result: barycentric weights, depth and face of each pixel."""
    attributes: Float[Tensor, "B S S C"]
    """1 / depth, canonical coordinates, normal in the camera frame and, where they are wanted, deformed coordinates."""
    coverage: Bool[Tensor, "B S S"]
    """Pixels that show the mesh."""


class Rendering(NamedTuple):
    """Images of S x S pixels, row 0 at the top; `alpha` and `layers` are antialiased."""

    alpha: Float[Tensor, "B S S"]
    layers: Float[Tensor, "B S S C"]
    """Colours and features, which `split_layers` takes apart."""
    disparity: Float[Tensor, "B S S"]
    """1 / depth, zero on the background."""


class Layers(NamedTuple):
    """Colours and features of pixels, by the model's networks; zero on the background."""

    rgb: Float[Tensor, "*P 3"]
    features: Float[Tensor, "*P K"]
    """g at canonical coordinates (MagicPony)."""
    features_deformed: Float[Tensor, "*P K"] | None
    """g at deformed coordinates."""


def split_layers(layers: Float[Tensor, "*P C"], features: int) -> Layers:
    """Take apart the channels of `Rendering.layers`, of any of its pixels.

    Args:
        features: K, the channels of the feature field.
    """
    rgb, *fields = layers.split([3, *[features] * ((layers.shape[-1] - 3) // features)], -1)
    return Layers(rgb, fields[0], fields[1] if len(fields) > 1 else None)

"""Relative depth by Depth Anything V2 (Yang et al. 2024), through the transformers library."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32

from pipeline.base.errors import InputError
from pipeline.config.label_params import DepthAnythingParams
from pipeline.config.workspace import Workspace
from pipeline.labels.failures import memory_errors_named
from pipeline.photographs.photo import Photo
from pipeline.pretrained.loading import load_network
from pipeline.pretrained.pixels import BICUBIC, normalised, resized
from pipeline.pretrained.weights import label_device, weights_folder

if TYPE_CHECKING:
    import torch

LONGEST = 4
"""Longer side of what the network sees, in short sides: no camera makes longer photographs, only panoramas are."""


class DepthAnything:
    """Depth Anything V2 on whole photographs: disparity a / z + b, larger is nearer.

    The network says `predicted_depth`; it is disparity, which is what its relative variants are trained on.

    Args:
        folder: `config.json` and `model.safetensors` of a network of the type `depth_anything`.

    Raises:
        InputError: the network cannot be loaded, or predicts metres.
    """

    def __init__(self, params: DepthAnythingParams, folder: Path, device: "torch.device") -> None:
        self.params = params
        self.device = device
        self.network = load_network(folder, {"depth_anything": "DepthAnythingForDepthEstimation"}, device)
        if self.network.config.depth_estimation_type != "relative":
            raise InputError(
                f"{folder}: expected a network for relative depth, found one for metres, where larger is farther. "
                "Choose another depth.depth_anything.model in params.yaml."
            )

    @memory_errors_named
    def disparities(self, photos: Sequence[Photo]) -> list[Float32[np.ndarray, "h w"]]:
        """Maps of the size that the network sees, or of the photograph's where that has fewer pixels."""
        patch = self.network.config.patch_size
        groups = defaultdict(list)
        for index, photo in enumerate(photos):
            groups[network_size(photo.image.shape[:2], self.params.short_side, patch)].append(index)
        found = {}
        for (height, width), indices in groups.items():
            shown = [normalised(resized(photos[i].image, height, width, BICUBIC)) for i in indices]
            found |= dict(zip(indices, self._predict(np.stack(shown)), strict=True))
        return [at_most(found[index], photo.image.shape[:2]) for index, photo in enumerate(photos)]

    def _predict(self, shown: Float32[np.ndarray, "B 3 h w"]) -> Float32[np.ndarray, "B h w"]:
        import torch

        with torch.inference_mode():
            return self.network(torch.from_numpy(shown).to(self.device)).predicted_depth.cpu().numpy()


def network_size(shape: tuple[int, int], short_side: int, patch: int) -> tuple[int, int]:
    """Height and width at which the network sees a photograph of `shape`: the shorter side has `short_side` pixels.

    The longer side has at most `LONGEST` times as many: a photograph that is longer is seen smaller as a whole, so that
    the network's work does not grow with it. Each side is rounded to the nearest multiple of `patch`, at least one.
    """
    shown = max(min(shape), max(shape) / LONGEST)
    height, width = (max(1, round(length * short_side / shown / patch)) * patch for length in shape)
    return height, width


def at_most(disparity: Float32[np.ndarray, "h w"], shape: tuple[int, int]) -> Float32[np.ndarray, "_ _"]:
    """`disparity`, interpolated to `shape` if that has fewer pixels."""
    import torch

    if shape[0] * shape[1] >= disparity.size:
        return disparity
    pixels = torch.from_numpy(disparity)[None, None]
    return torch.nn.functional.interpolate(pixels, shape, mode="bilinear")[0, 0].numpy()


def make(workspace: Workspace) -> DepthAnything:
    """Depth Anything V2 with the weights that `depth.depth_anything.model` names.

    Raises:
        InputError: the weights are missing or damaged, or there is no such device.
    """
    settings = workspace.params.depth.depth_anything
    return DepthAnything(settings, weights_folder(workspace, settings.model), label_device(workspace))

"""Patch features by DINOv2 (Oquab et al. 2023), with or without registers, through the transformers library."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from pipeline.base.errors import InputError
from pipeline.config.label_params import DinoV2Params
from pipeline.config.workspace import Workspace
from pipeline.labels.failures import memory_errors_named
from pipeline.photographs.crops import Crop
from pipeline.photographs.photo import Photo
from pipeline.pretrained.loading import load_network
from pipeline.pretrained.pixels import BICUBIC, normalised, resized, shrunk
from pipeline.pretrained.weights import label_device, weights_folder

if TYPE_CHECKING:
    import torch

CLASSES = {"dinov2": "Dinov2Model", "dinov2_with_registers": "Dinov2WithRegistersModel"}
SUPPORT = 2
"""Reach of the bicubic kernel, in pixels of the coarser of the two grids."""


class DinoV2Features:
    """The patch tokens of DINOv2's last block, after its final normalisation.

    The crop is shown at one patch of the network for each token, so that token [i, j] is of the square round crop
    coordinates ((j + 0.5) / grid, (i + 0.5) / grid).

    Args:
        params: they name the model, whose files are in `folder`.
        folder: `config.json` and `model.safetensors` of a network of the type `dinov2` or `dinov2_with_registers`.

    Raises:
        InputError: the network cannot be loaded.
    """

    def __init__(self, params: DinoV2Params, grid: int, folder: Path, device: "torch.device") -> None:
        self.params = params
        self.folder = folder
        self.grid = grid
        self.device = device
        self.network = load_network(folder, CLASSES, device)

    @memory_errors_named
    def token_maps(
        self, photos: Sequence[Photo], crops: Sequence[Crop], flip: bool
    ) -> list[Float32[np.ndarray, "T T D"]]:
        import torch

        if not photos:
            return []
        size = self.grid * self.network.config.patch_size
        pixels = [crop_pixels(photo.image, crop, size) for photo, crop in zip(photos, crops, strict=True)]
        shown = np.stack([normalised(image[:, ::-1] if flip else image) for image in pixels])
        with torch.inference_mode():
            output = self.network(torch.from_numpy(shown).to(self.device)).last_hidden_state.cpu().numpy()
        # First come the class token and the registers, then the patches row by row.
        others = 1 + getattr(self.network.config, "num_register_tokens", 0)
        if output.shape[1] != others + self.grid**2:
            raise InputError(
                f"{self.folder}: expected {others} + {self.grid**2} tokens of the network, found "
                f"{output.shape[1]}. Choose another features.dinov2.model in params.yaml."
            )
        return list(output[:, others:].reshape(len(photos), self.grid, self.grid, -1))


def crop_pixels(image: UInt8[np.ndarray, "H W 3"], crop: Crop, size: int) -> UInt8[np.ndarray, "{size} {size} 3"]:
    """Resample `crop` to `size` x `size` pixels, bicubic and free of aliases; beyond the photograph all is black.

    A crop of more than `LARGEST_SQUARE` pixels a side is shrunk by a whole factor first.
    """
    image, factor = shrunk(image, crop.side)
    crop = Crop(crop.x0 / factor, crop.y0 / factor, crop.side / factor)
    reach = math.ceil(SUPPORT * max(1.0, crop.side / size))
    left, top = math.floor(crop.x0) - reach, math.floor(crop.y0) - reach
    right, bottom = math.ceil(crop.x0 + crop.side) + reach, math.ceil(crop.y0 + crop.side) + reach
    # Pillow fills with black what a crop has beyond its image.
    window = np.asarray(Image.fromarray(image).crop((left, top, right, bottom)))
    x0, y0 = crop.x0 - left, crop.y0 - top
    return resized(window, size, size, BICUBIC, (x0, y0, x0 + crop.side, y0 + crop.side))


def make(workspace: Workspace) -> DinoV2Features:
    """DINOv2 with the weights that `features.dinov2.model` names.

    Raises:
        InputError: the weights are missing or damaged, or there is no such device.
    """
    features = workspace.params.features
    folder = weights_folder(workspace, features.dinov2.model)
    return DinoV2Features(features.dinov2, features.grid, folder, label_device(workspace))

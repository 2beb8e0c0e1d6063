"""Masks by Segment Anything (Kirillov et al. 2023), through the transformers library."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, UInt8

from pipeline.config.label_params import Masks
from pipeline.config.workspace import Workspace
from pipeline.labels.failures import memory_errors_named
from pipeline.labels.masks import MaskLabel
from pipeline.labels.masks.choice import Proposals, label_from, prompt_box
from pipeline.photographs.photo import Photo
from pipeline.pretrained.loading import load_network
from pipeline.pretrained.pixels import BILINEAR, normalised, resized
from pipeline.pretrained.weights import label_device, weights_folder

if TYPE_CHECKING:
    import torch


class SamMasks:
    """Segment Anything, prompted with the annotated box.

    The network sees a square of the same size of every photograph. Its masks are as large as the photograph, and those
    of one photograph are in memory at a time.

    Args:
        folder: `config.json` and `model.safetensors` of a network of the type `sam`.

    Raises:
        InputError: the network cannot be loaded.
    """

    def __init__(self, params: Masks, folder: Path, device: "torch.device") -> None:
        self.params = params
        self.device = device
        self.network = load_network(folder, {"sam": "SamModel"}, device)
        self.side: int = self.network.config.vision_config.image_size

    @memory_errors_named
    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        import torch

        if not photos:
            return []
        boxes = [prompt_box(photo) for photo in photos]
        shown = np.stack([network_input(photo.image, self.side) for photo in photos])
        scales = [network_scale(photo.image.shape[:2], self.side) for photo in photos]
        scaled = np.array([np.multiply(box, scale) for box, scale in zip(boxes, scales, strict=True)], np.float32)
        with torch.inference_mode():
            codes = self.network.get_image_embeddings(torch.from_numpy(shown).to(self.device))
            prompts = torch.from_numpy(scaled).to(self.device)[:, None]
            return [
                label_from(
                    three,
                    lambda i=i: next(self._decode(codes[i : i + 1], prompts[i : i + 1], photos[i : i + 1], False)),
                    box,
                    self.params,
                )
                for i, (three, box) in enumerate(zip(self._decode(codes, prompts, photos, True), boxes, strict=True))
            ]

    def _decode(
        self, codes: "torch.Tensor", prompts: "torch.Tensor", photos: Sequence[Photo], ambiguous: bool
    ) -> Iterator[Proposals]:
        """Three proposals for each photograph, or one if its prompt does not count as ambiguous."""
        output = self.network(image_embeddings=codes, input_boxes=prompts, multimask_output=ambiguous)
        scores = output.iou_scores[:, 0].cpu().numpy()
        for logits, score, photo in zip(output.pred_masks, scores, photos, strict=True):
            pixels = photo_logits(logits[0], self.side, photo.image.shape[:2]) > 0
            yield Proposals(pixels.cpu().numpy(), score)


def network_size(shape: tuple[int, int], side: int) -> tuple[int, int]:
    """Height and width of a photograph of `shape` when its longer side has `side` pixels; each is one or more."""
    height, width = (max(1, int(length * side / max(shape) + 0.5)) for length in shape)
    return height, width


def network_scale(shape: tuple[int, int], side: int) -> tuple[float, float, float, float]:
    """Factors of x0, y0, x1, y1 from a photograph of `shape` to the network's picture."""
    height, width = network_size(shape, side)
    x, y = width / shape[1], height / shape[0]
    return x, y, x, y


def network_input(image: UInt8[np.ndarray, "H W 3"], side: int) -> Float32[np.ndarray, "3 {side} {side}"]:
    """The photograph in the top left corner of a square of `side` pixels; the rest is zero after normalisation."""
    height, width = network_size(image.shape[:2], side)
    square = np.zeros((3, side, side), np.float32)
    square[:, :height, :width] = normalised(resized(image, height, width, BILINEAR))
    return square


def photo_logits(logits: "torch.Tensor", side: int, shape: tuple[int, int]) -> "torch.Tensor":
    """Logits [C, h, w] over the network's square, interpolated to the photograph's pixels [C, *shape]."""
    from torch.nn.functional import interpolate

    height, width = network_size(shape, side)
    square = interpolate(logits[None], (side, side), mode="bilinear")[..., :height, :width]
    return interpolate(square, shape, mode="bilinear")[0]


def make(workspace: Workspace) -> SamMasks:
    """Segment Anything with the weights that `masks.sam.model` names.

    Raises:
        InputError: the weights are missing or damaged, or there is no such device.
    """
    masks = workspace.params.masks
    return SamMasks(masks, weights_folder(workspace, masks.sam.model), label_device(workspace))

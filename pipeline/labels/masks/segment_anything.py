"""Masks by Segment Anything (Kirillov et al. 2023), through its authors' package and checkpoints."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.errors import InputError
from pipeline.config.label_params import Masks
from pipeline.config.workspace import Workspace
from pipeline.labels.failures import memory_errors_named
from pipeline.labels.masks import MaskLabel
from pipeline.labels.masks.choice import Proposals, label_from, prompt_box
from pipeline.photographs.photo import Photo
from pipeline.pretrained.memory import placed
from pipeline.pretrained.torch_file import read_tensors
from pipeline.pretrained.weights import label_device, weights_folder

if TYPE_CHECKING:
    import torch


THINNEST = 1024
"""Largest ratio of the sides of a photograph: the package rounds the shorter side of a thinner one to no pixels."""


class SegmentAnythingMasks:
    """Segment Anything, prompted with the annotated box.

    Args:
        folder: holds one checkpoint `sam_vit_h_*.pth`, `sam_vit_l_*.pth` or `sam_vit_b_*.pth`.

    Raises:
        InputError: the package or its torchvision cannot be imported, or the checkpoint cannot be loaded.
    """

    def __init__(self, params: Masks, folder: Path, device: "torch.device") -> None:
        package = _package()
        path, kind = _checkpoint(folder)
        remedy = f"Fetch it again: `semagic weights {folder.name}`."
        weights = read_tensors(path, "Segment Anything", remedy)
        network = package.sam_model_registry[kind]()
        try:
            network.load_state_dict(weights)
        except (RuntimeError, TypeError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(
                f"{path}: expected the weights of the network that the name promises, found others ({reason}). {remedy}"
            ) from None
        self.params = params
        self.predictor = package.SamPredictor(placed(network, device, folder.name))

    @memory_errors_named
    def masks(self, photos: Sequence[Photo]) -> list[MaskLabel]:
        return [self.mask(photo) for photo in photos]

    def mask(self, photo: Photo) -> MaskLabel:
        box = prompt_box(photo)
        height, width = photo.image.shape[:2]
        if max(height, width) > THINNEST * min(height, width):
            raise InputError(
                f"{photo.path}: expected a photograph whose longer side is at most {THINNEST} times the shorter, "
                f"found {width} x {height} pixels. Use masks.backend 'sam' for it, or take it out of the list."
            )
        self.predictor.set_image(photo.image)

        def proposals(ambiguous: bool) -> Proposals:
            pixels, scores, _ = self.predictor.predict(box=np.array(box), multimask_output=ambiguous)
            return Proposals(pixels, scores)

        return label_from(proposals(True), lambda: proposals(False), box, self.params)


def _package() -> Any:
    try:
        import segment_anything
    # A torchvision that does not fit torch fails with RuntimeError, or when its libraries are loaded.
    except (ImportError, RuntimeError, OSError) as error:
        raise InputError(
            f"masks.backend 'segment_anything': the package segment_anything cannot be imported ({error}). "
            "Install it with `pip install -e '.[sam]'`, with torch and torchvision from the same index, "
            "or choose masks.backend 'sam', the same networks without that package and without torchvision."
        ) from error
    return segment_anything


def _checkpoint(folder: Path) -> tuple[Path, str]:
    """The only checkpoint in `folder`, and the name that its network has in the package."""
    found = sorted(folder.glob("sam_vit_*.pth"))
    names = ", ".join(path.name for path in found) or "none"
    match = re.match(r"sam_(vit_[hlb])_", found[0].name) if len(found) == 1 else None
    if match is None:
        raise InputError(
            f"{folder}: expected one file sam_vit_h_*.pth, sam_vit_l_*.pth or sam_vit_b_*.pth, found {names}. "
            f"Fetch it: `semagic weights {folder.name}`."
        )
    return found[0], match[1]


def make(workspace: Workspace) -> SegmentAnythingMasks:
    """Segment Anything with the weights that `masks.segment_anything.model` names.

    Raises:
        InputError: the weights are missing or damaged, or there is no such device.
    """
    masks = workspace.params.masks
    folder = weights_folder(workspace, masks.segment_anything.model)
    return SegmentAnythingMasks(masks, folder, label_device(workspace))

"""Orientations predicted by Orient Anything V2."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Bool, Float

from pipeline.base.errors import InputError
from pipeline.config.label_params import OrientAnythingParams
from pipeline.labels.failures import memory_errors_named
from pipeline.labels.poses import PoseLabel, turned
from pipeline.labels.poses.orient_anything.checkpoint import load_network
from pipeline.labels.poses.orient_anything.decoding import decode
from pipeline.labels.poses.orient_anything.framing import frame_object
from pipeline.labels.poses.orient_anything.network import LOGITS
from pipeline.photographs.photo import Photo
from pipeline.pretrained.memory import placed

CHECKPOINT = "demo_ckpts/rotmod_realrotaug_best.pt"
"""Path in the released repository."""


class OrientAnything:
    """Orient Anything V2, one view at a time.

    Args:
        folder: the released repository, or the part of it that holds `CHECKPOINT`.

    Raises:
        InputError: a parameter is out of range, or the checkpoint cannot be used.
    """

    def __init__(self, params: OrientAnythingParams, folder: Path, device: torch.device) -> None:
        if not 0 < params.foreground <= 1:
            raise InputError(f"Orient Anything's 'foreground' must be in (0, 1]; found {params.foreground}.")
        self.params = params
        self.path = folder / CHECKPOINT
        self.device = device
        self.network = placed(load_network(self.path), device, folder.name)

    @memory_errors_named
    def poses(self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]) -> list[PoseLabel]:
        """Orientations of the objects under `masks` (pixels of the original photographs), in one pass.

        Raises:
            InputError: an image cannot be labelled.
        """
        if not photos:
            return []
        orientations = decode(self.logits(photos, masks))
        return [pose_label(*map(int, orientation)) for orientation in zip(*orientations, strict=True)]

    def logits(
        self, photos: Sequence[Photo], masks: Sequence[Bool[np.ndarray, "_ _"]]
    ) -> Float[np.ndarray, f"N {LOGITS}"]:
        """The network's output for each object alone.

        Raises:
            InputError: a mask is empty or of a wrong size, or the network's answer is not finite.
        """
        side = self.network.size.image
        framed = [frame_object(*pair, self.params.foreground, side) for pair in zip(photos, masks, strict=True)]
        with torch.inference_mode():
            logits = self.network(torch.stack(framed)[:, None].to(self.device))[:, 0].cpu().numpy()
        for photo, row in zip(photos, logits, strict=True):
            if not np.isfinite(row).all():
                raise InputError(
                    f"{photo.path}: expected finite outputs of {self.path}, found others. If it is so for every "
                    "photograph, fetch the weights again; otherwise take this one out of the list."
                )
        return logits


def pose_label(azimuth: float, elevation: float, rotation: float, fold: int) -> PoseLabel:
    """The label of Orient Anything's angles (degrees), which differ from PASCAL3D+'s in their ranges only.

    The network turns an object frame with x to its front, y to its left and z up into a viewer frame with x towards
    the camera, y to the image's right and z up, by Rx(rotation) Ry(elevation) Rz(-azimuth). With these axes renamed
    that is `pipeline.photographs.cameras.viewpoint_rotation(azimuth, elevation, rotation)`.
    """
    return turned(azimuth, elevation, rotation, fold)

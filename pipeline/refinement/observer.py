"""Reading an image's patch tokens as evidence of its object's pose."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float
from scipy.ndimage import binary_closing, binary_fill_holes
from torch import Tensor

from pipeline.config.workspace import Workspace
from pipeline.labels.components.foreground import Foreground, read_foreground
from pipeline.labels.components.pca import Pca, read_pca
from pipeline.refinement.energy import Evidence


class Observer(NamedTuple):
    """What a category's tokens mean: their principal components, and the probability that they are the object's."""

    pca: Pca
    foreground: Foreground
    gap: int
    """Side of the gaps that are closed before hollow patches are looked for, in patches; 0 finds none."""

    def __call__(self, tokens: Float[Tensor, "B T T D"]) -> Evidence:
        """The evidence in the crops of B images, from their tokens alone: no mask is asked for."""
        components = self.pca.to_unit(self.pca.project(tokens.cpu().numpy()))
        foreground = self.foreground.probability(tokens)
        hollow = np.stack([hollow_patches(image, self.gap) for image in (foreground > 0.5).cpu().numpy()])
        return Evidence(
            torch.from_numpy(components).to(tokens.device), foreground, torch.from_numpy(hollow).to(tokens.device)
        )


def hollow_patches(foreground: Bool[np.ndarray, "T T"], gap: int) -> Bool[np.ndarray, "T T"]:
    """Patches that lie in gaps of the foreground, or are enclosed by what is left when these are closed.

    Args:
        gap: side of the square with which the foreground is closed (morphologically), in patches; 0 finds none.
    """
    if gap == 0:
        return np.zeros_like(foreground)
    closed = binary_closing(np.pad(foreground, gap), np.ones((gap, gap), bool))[gap:-gap, gap:-gap]
    return binary_fill_holes(closed) & ~foreground


def read_observer(workspace: Workspace, backbone: str, category: str) -> Observer:
    """Read what the stage `pca` wrote of a category.

    Raises:
        InputError: a file is missing or damaged.
    """
    return Observer(
        read_pca(workspace.pca(backbone, category)),
        read_foreground(workspace.foreground(backbone, category)),
        workspace.params.refine.gap,
    )

"""Reading an image's patch tokens as evidence of its object's pose."""

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from pipeline.config.workspace import Workspace
from pipeline.labels.components.foreground import Foreground, read_foreground
from pipeline.labels.components.pca import Pca, read_pca
from pipeline.refinement.energy import Evidence


class Observer(NamedTuple):
    """What a category's tokens mean: their principal components, and the probability that they are the object's."""

    pca: Pca
    foreground: Foreground

    def __call__(self, tokens: Float[Tensor, "B T T D"]) -> Evidence:
        """The evidence in the crops of B images, from their tokens alone: no mask is asked for."""
        components = self.pca.to_unit(self.pca.project(tokens.cpu().numpy()))
        return Evidence(torch.from_numpy(components).to(tokens.device), self.foreground.probability(tokens))


def read_observer(workspace: Workspace, backbone: str, category: str) -> Observer:
    """Read what the stage `pca` wrote of a category.

    Raises:
        InputError: a file is missing or damaged.
    """
    return Observer(
        read_pca(workspace.pca(backbone, category)), read_foreground(workspace.foreground(backbone, category))
    )

"""Small deformable models."""

import torch

from pipeline.model.deformable import InputSizes, build_model
from support.tiny import tiny_params

SIZES = InputSizes(8, 6, 4)


def model_of(seed=0, hypotheses=1, **overrides):
    """A model with the initial weights of `seed`; keywords are those of `tiny_params`."""
    return build_model(tiny_params(**overrides).model, SIZES, hypotheses, seed)


def randomise(module, generator_seed=0, scale=0.3):
    """Add normal noise to all parameters of a module."""
    generator = torch.Generator().manual_seed(generator_seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(scale * torch.randn(parameter.shape, generator=generator))

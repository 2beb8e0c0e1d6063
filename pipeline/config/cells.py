"""Cells of the experiment: one variant of the method, trained on one backbone for one category with one seed."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.base.errors import InputError, nearest
from pipeline.config.categories import check_category
from pipeline.config.kinds import LARGEST_SEED
from pipeline.config.params import Params, vary, vary_features


class Cell(NamedTuple):
    """One training. The fields are the dimensions of the matrix in `dvc.yaml`, in this order."""

    variant: str
    """Variant of the method: a key of `variants`."""
    backbone: str
    """Backbone of the features: a key of `features.backbones`."""
    category: str
    """Category that the model is of."""
    seed: int
    """Seed of the training."""

    @property
    def name(self) -> str:
        """The name that DVC gives the cell's stages, such as 'ours-dinov2-car-0'."""
        return "-".join(map(str, self))


def all_cells(params: Params) -> Iterator[Cell]:
    """The cells that are run, in the order of `dvc.yaml`."""
    return (
        Cell(variant, backbone, category, seed)
        for variant in params.trained
        for backbone in params.backbones
        for category in params.categories
        for seed in params.seeds
    )


def resolve(params: Params, cell: Cell) -> Params:
    """The parameters of one cell: the base, then its variant, then its backbone.

    A profile has been merged into the base before (`pipeline.config.profiles`); the seed is no parameter.

    Raises:
        InputError: the variant, the backbone or the category is unknown, or the seed is none.
    """
    check_category(cell.category, params.data.reader)
    if not 0 <= cell.seed <= LARGEST_SEED:
        raise InputError(f"The seed of a training must be from 0 to {LARGEST_SEED}; found {cell.seed}.")
    if cell.variant not in params.variants:
        raise InputError(f"params.yaml: no variant '{cell.variant}'. {nearest(cell.variant, params.variants)}")
    return resolve_features(vary(params, params.variants[cell.variant]), cell.backbone)


def resolve_features(params: Params, backbone: str) -> Params:
    """The parameters with what `backbone` changes in `features`.

    Raises:
        InputError: the backbone is unknown.
    """
    backbones = params.features.backbones
    if backbone not in backbones:
        raise InputError(f"params.yaml: no backbone '{backbone}'. {nearest(backbone, backbones)}")
    return vary_features(params, backbones[backbone])

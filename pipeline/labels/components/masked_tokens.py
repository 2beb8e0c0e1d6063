"""The tokens of the training images beside their masks: what everything about a category's features is fitted to."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Float32

from pipeline.base.checksums import is_listed
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import read_tokens
from pipeline.labels.masks import read_mask_label
from pipeline.labels.patches import patch_coverage
from pipeline.photographs.crops import square_crop


class MaskedTokens(NamedTuple):
    """One crop's patches."""

    tokens: Float32[np.ndarray, "T T D"]
    coverage: Float[np.ndarray, "T T"]
    """Share of each patch that the object's mask covers."""


def masked_tokens(workspace: Workspace, backbone: str, category: str) -> Iterator[MaskedTokens]:
    """The crops of the training images, one after the other; those that a label stage skipped are left out.

    Raises:
        InputError: features of an image have other channels than those before.
    """
    channels = 0
    for instance in workspace.training_instances(category):
        mask_path, token_path = workspace.mask(instance), workspace.tokens(backbone, instance)
        if not (is_listed(mask_path) and is_listed(token_path)):
            continue
        tokens = read_tokens(token_path).tokens
        channels = channels or tokens.shape[-1]
        if tokens.shape[-1] != channels:
            raise InputError(
                f"{token_path}: expected features of {channels} channels, as of the images before, found "
                f"{tokens.shape[-1]}. Run the stage `features` again."
            )
        crop = square_crop(instance.box, workspace.params.data.crop_margin)
        yield MaskedTokens(tokens, patch_coverage(read_mask_label(mask_path), crop, tokens.shape[0]))


def foreground_tokens(workspace: Workspace, backbone: str, category: str) -> Float32[np.ndarray, "N D"]:
    """Tokens of training images whose patch is covered by the predicted mask to `pca.foreground_share` or more.

    Raises:
        InputError: no such patch in any image, or features of an image have other channels than those before.
    """
    share = workspace.params.pca.foreground_share
    found = [tokens[coverage >= share] for tokens, coverage in masked_tokens(workspace, backbone, category)]
    if not sum(map(len, found)):
        raise InputError(
            f"{workspace.features(backbone, category)}: no training patch of '{category}' lies on a mask. "
            "Run the stages `masks` and `features`, or lower pca.foreground_share."
        )
    return np.concatenate(found)

"""The training tokens that lie on the object: what the principal components are fitted on."""

import numpy as np
from jaxtyping import Float32

from pipeline.base.checksums import is_listed
from pipeline.base.errors import InputError
from pipeline.config.workspace import Workspace
from pipeline.labels.features import read_tokens
from pipeline.labels.masks import read_mask_label
from pipeline.labels.patches import patch_coverage
from pipeline.photographs.crops import square_crop


def foreground_tokens(workspace: Workspace, backbone: str, category: str) -> Float32[np.ndarray, "N D"]:
    """Tokens of training images whose patch is covered by the predicted mask to `pca.foreground_share` or more.

    Images that the mask or the feature stage skipped take no part.

    Raises:
        InputError: no such patch in any image, or features of an image have other channels than those before.
    """
    params = workspace.params
    found = []
    for instance in workspace.training_instances(category):
        mask_path, token_path = workspace.mask(instance), workspace.tokens(backbone, instance)
        if not (is_listed(mask_path) and is_listed(token_path)):
            continue
        tokens = read_tokens(token_path).tokens
        channels = found[0].shape[-1] if found else tokens.shape[-1]
        if tokens.shape[-1] != channels:
            raise InputError(
                f"{token_path}: expected features of {channels} channels, as of the images before, found "
                f"{tokens.shape[-1]}. Run the stage `features` again."
            )
        crop = square_crop(instance.box, params.data.crop_margin)
        coverage = patch_coverage(read_mask_label(mask_path), crop, tokens.shape[0])
        found.append(tokens[coverage >= params.pca.foreground_share])
    if not sum(map(len, found)):
        raise InputError(
            f"{workspace.features(backbone, category)}: no training patch of '{category}' lies on a mask. "
            "Run the stages `masks` and `features`, or lower pca.foreground_share."
        )
    return np.concatenate(found)

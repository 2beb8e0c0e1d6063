"""The training tokens that lie on the object: what the principal components are fitted on."""

import numpy as np
from jaxtyping import Float32

from pipeline.crops import square_crop
from pipeline.data.instances import read_instances
from pipeline.errors import InputError
from pipeline.images import read_mask
from pipeline.labels.features import read_tokens
from pipeline.labels.patches import patch_coverage
from pipeline.layout import Layout
from pipeline.params import Params


def foreground_tokens(params: Params, layout: Layout, backbone: str, category: str) -> Float32[np.ndarray, "N D"]:
    """Tokens of training images whose patch is covered by the predicted mask to `pca.foreground_share` or more.

    Images that the mask or the feature stage skipped take no part.

    Raises:
        InputError: no such patch in any image.
    """
    found = []
    for instance in read_instances(layout.instances(category)):
        mask_path = layout.masks(category) / f"{instance.name}.png"
        token_path = layout.features(backbone, category) / f"{instance.name}.npz"
        if instance.split != "train" or not (mask_path.exists() and token_path.exists()):
            continue
        tokens = read_tokens(token_path).tokens
        crop = square_crop(instance.box, params.data.crop_margin)
        coverage = patch_coverage(read_mask(mask_path), crop, tokens.shape[0])
        found.append(tokens[coverage >= params.pca.foreground_share])
    if not sum(map(len, found)):
        raise InputError(
            f"{layout.features(backbone, category)}: no training patch of '{category}' lies on a mask. "
            "Run the stages `masks` and `features`, or lower pca.foreground_share."
        )
    return np.concatenate(found)

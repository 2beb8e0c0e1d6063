"""What pretrained networks are shown: resampled photographs with the statistics of ImageNet removed."""

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

IMAGENET_MEAN = 0.485, 0.456, 0.406
IMAGENET_STD = 0.229, 0.224, 0.225
"""Of red, green and blue in [0, 1]: what all these networks were trained with."""
MEAN, STD = np.float32(IMAGENET_MEAN), np.float32(IMAGENET_STD)

BILINEAR = Image.Resampling.BILINEAR
BICUBIC = Image.Resampling.BICUBIC


def resized(
    image: UInt8[np.ndarray, "H W 3"],
    height: int,
    width: int,
    kernel: Image.Resampling,
    region: tuple[float, float, float, float] | None = None,
) -> UInt8[np.ndarray, "{height} {width} 3"]:
    """`image`, or its `region`, resampled to `height` x `width` pixels.

    Where pixels become larger the kernel grows with them, so that nothing aliases.

    Args:
        region: x0, y0, x1, y1 in continuous pixels, inside the image.
    """
    return np.asarray(Image.fromarray(image).resize((width, height), kernel, box=region))


def normalised(image: UInt8[np.ndarray, "H W 3"]) -> Float32[np.ndarray, "3 H W"]:
    """(pixel / 255 - MEAN) / STD, channels first."""
    return ((image.astype(np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)

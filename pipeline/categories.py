"""The ten rigid categories that PASCAL3D+ and SPair-71k share (SEMAGIC section 4.1)."""

from pipeline.errors import InputError, nearest

CATEGORIES = (
    "aeroplane",
    "bicycle",
    "boat",
    "bottle",
    "bus",
    "car",
    "chair",
    "motorbike",
    "train",
    "tvmonitor",
)


def check_category(name: str) -> str:
    """Return `name` if it is one of the ten categories.

    Raises:
        InputError: the name is unknown; the message suggests the nearest one.
    """
    if name not in CATEGORIES:
        raise InputError(f"Unknown category '{name}'. {nearest(name, CATEGORIES)}")
    return name

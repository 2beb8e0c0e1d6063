"""The ten rigid categories that PASCAL3D+ and SPair-71k share (SEMAGIC section 4.1)."""

from pipeline.base.errors import InputError, nearest

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

_FOLDS = {"bottle": 0}
"""Categories that look the same from all sides; the others have one front."""


def symmetry_fold(category: str) -> int:
    """Rotational symmetry about the vertical: 1 one front, 2 or 4 equal fronts, 0 none (docs/conventions.md)."""
    return _FOLDS.get(category, 1)


def check_category(name: str) -> str:
    """Return `name` if it is one of the ten categories.

    Raises:
        InputError: the name is unknown; the message suggests the nearest one.
    """
    if name not in CATEGORIES:
        raise InputError(f"Unknown category '{name}'. {nearest(name, CATEGORIES)}")
    return name

"""The ten rigid categories that PASCAL3D+ and SPair-71k share (SEMAGIC section 4.1), and which others may be named."""

import re
from typing import NamedTuple

from pipeline.base.errors import InputError, nearest

RELEASES = "releases"
"""The dataset reader that has the ten categories; any other reader has those of its data."""


class Category(NamedTuple):
    """Number and rotational symmetry of a category."""

    id: int
    """Number in the names of the generated photographs and in the numbers of the generated pairs. It stays for good."""
    symmetry_fold: int = 1
    """Rotational symmetry about the vertical: 1 one front, 2 or 4 equal fronts, 0 none (docs/conventions.md)."""


CATEGORIES: dict[str, Category] = {
    "aeroplane": Category(0),
    "bicycle": Category(1),
    "boat": Category(2),
    "bottle": Category(3, symmetry_fold=0),
    "bus": Category(4),
    "car": Category(5),
    "chair": Category(6),
    "motorbike": Category(7),
    "train": Category(8),
    "tvmonitor": Category(9),
}
"""The ten categories by name, in the order of the paper's tables."""


def symmetry_fold(category: str) -> int:
    """Rotational symmetry about the vertical; a category that is not one of the ten is taken to have one front."""
    return CATEGORIES[category].symmetry_fold if category in CATEGORIES else 1


def check_category(name: str, reader: str = RELEASES) -> str:
    """Return `name` if the dataset reader `reader` may know such a category.

    The releases have the ten. What another reader has is for its data to say; the name must fit into a path.

    Raises:
        InputError: the name is unknown, and the message suggests the nearest one; or it cannot name a folder.
    """
    if reader == RELEASES and name not in CATEGORIES:
        raise InputError(f"Unknown category '{name}'. {nearest(name, CATEGORIES)}")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}", name):
        raise InputError(
            f"The category '{name}' cannot name a folder: expected letters, digits, '_' and '-', at most 100. Give it "
            "another name."
        )
    return name

"""Random generators seeded by purpose and key, so that results do not depend on the order of their creation."""

import hashlib

import numpy as np


def seeded(seed: int, purpose: str, key: str) -> np.random.Generator:
    """Make a generator whose state depends on the arguments only; `key` names an item, such as 'car/2008_000001'."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))

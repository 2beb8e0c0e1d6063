"""Random generators for single things, so that the order in which they are made never matters."""

import hashlib

import numpy as np


def seeded(seed: int, purpose: str, key: str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments; `key` names the thing, e.g. 'car/2008_000001'."""
    digest = hashlib.sha256(f"{seed}/{purpose}/{key}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "little"))

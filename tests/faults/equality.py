"""Equality of what readers return, to the last bit."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np


def equal(a: Any, b: Any) -> bool:
    """Whether two values are of one type and equal in every part; NaN is equal to itself."""
    if type(a) is not type(b):
        return False
    if isinstance(a, Mapping):
        return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(equal, a, b))
    if dataclasses.is_dataclass(a):
        return all(equal(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if hasattr(a, "equals"):
        return a.equals(b)
    if hasattr(a, "detach"):
        return equal(a.detach().numpy(), b.detach().numpy())
    return a == b or (a != a and b != b)

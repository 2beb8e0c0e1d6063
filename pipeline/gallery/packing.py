"""Arrays as text that a page reads back: whole numbers of 8 or 16 bits over a range, in Base64."""

import base64
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Integer, Shaped


def pack_range(values: Float[np.ndarray, "*N"], low: float, high: float, bits: int = 16) -> dict[str, Any]:
    """Numbers between `low` and `high`, rounded to 2^bits - 2 steps; what lies outside is moved to the nearer end.

    The page reads n / (2^bits - 2) (high - low) + low, and the largest n as "not known", which NaN is written as.

    Args:
        bits: 8 or 16.
    """
    steps = 2**bits - 2
    scaled = (np.asarray(values, np.float64) - low) / (high - low) * steps
    whole = np.where(np.isnan(scaled), steps + 1, np.nan_to_num(scaled).round().clip(0, steps))
    return {**pack_whole(whole.astype(f"<u{bits // 8}")), "low": low, "high": high}


def pack_whole(values: Integer[np.ndarray, "*N"] | Bool[np.ndarray, "*N"]) -> dict[str, Any]:
    """Whole numbers of 8 or 16 bits, or booleans, as they are.

    Raises:
        ValueError: a number does not fit into 16 bits.
    """
    array = np.asarray(values)
    if array.dtype not in (np.uint8, np.uint16):
        if array.size and (array.min() < 0 or array.max() > 65535):
            raise ValueError(f"whole numbers from {array.min()} to {array.max()} do not fit into 16 bits")
        array = array.astype(np.uint8 if array.dtype == bool else np.uint16)
    little = array.astype(array.dtype.newbyteorder("<"))
    return {
        "bits": 8 * array.dtype.itemsize,
        "shape": list(array.shape),
        "data": base64.b64encode(little.tobytes()).decode("ascii"),
    }


def unpack(packed: dict[str, Any]) -> Shaped[np.ndarray, "*N"]:
    """The array that `pack_range` or `pack_whole` made, as a page reads it."""
    raw = np.frombuffer(base64.b64decode(packed["data"]), f"<u{packed['bits'] // 8}").reshape(packed["shape"])
    if "low" not in packed:
        return raw
    steps = 2 ** packed["bits"] - 2
    values = raw / steps * (packed["high"] - packed["low"]) + packed["low"]
    return np.where(raw > steps, np.nan, values)

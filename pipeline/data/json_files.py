"""JSON files from outside, read strictly: what another reader might take for something else is refused."""

import json
import math
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError
from pipeline.base.text_files import read_text


def read_json(path: Path, remedy: str) -> Any:
    """Read a JSON file of UTF-8.

    Keys that an object has twice, NaN, infinities and numbers too large for a float are refused, which Python's own
    reader accepts.

    Args:
        remedy: sentence that says how to get a good file; it ends each error.

    Raises:
        InputError: the file is missing, too large, not JSON, or has one of these.
    """
    text = read_text(path, remedy)
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError as error:
        reason = str(error)[:300]
    raise InputError(f"{path}: expected JSON, found a truncated or damaged file ({reason}). {remedy}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key '{twice}' is there twice")
    return found


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError(f"{digits[:40]} is no number that can be stored")
    return number

"""The `config.json` of a network of the transformers library, read as data that names nothing to be loaded."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipeline.base.errors import InputError

LARGEST_FILE = 2**20
"""Bytes of the longest configuration."""
LARGEST_SIZE = 2**16
"""Largest whole number in a configuration: no layer of these networks is so wide, and none has so many layers."""
FOREIGN = ("attn_implementation", "experts_implementation", "quantization_config", "auto_map", "transformers_weights")
"""Keys with which a configuration makes the library load code or other files."""


def read_configuration(folder: Path) -> dict[str, Any]:
    """Read `config.json`.

    Raises:
        InputError: the file is missing, too long or no mapping, or holds a key or a number that no network here has.
    """
    path = folder / "config.json"
    if not path.is_file():
        raise unsuitable(path, "no file")
    if path.stat().st_size > LARGEST_FILE:
        raise unsuitable(path, f"{path.stat().st_size} bytes")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = list(_entries(content))
    except (ValueError, RecursionError) as error:
        raise unsuitable(path, f"a damaged file ({error})") from None
    if not isinstance(content, dict):
        raise unsuitable(path, "no mapping")
    for key, value in entries:
        if key.lstrip("_") in FOREIGN and value is not None:
            raise unsuitable(path, f"the key '{key}', with which a network loads more than its own two files")
        if isinstance(value, int | float) and not abs(value) <= LARGEST_SIZE:
            raise unsuitable(path, f"{value!r} at '{key}', more than {LARGEST_SIZE}")
    return content


def unsuitable(path: Path, found: str) -> InputError:
    """The error of a configuration, with what was found instead of it."""
    return InputError(
        f"{path}: expected the configuration of a network, found {found}. Fetch it again: "
        f"`semagic weights {path.parent.name}`."
    )


def _entries(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """A value and all that are nested in it, each with the key that it stands at, or that its list stands at."""
    yield key, value
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _entries(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _entries(item, key)

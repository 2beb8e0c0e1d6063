"""Templates, styles and scripts of the pages."""

from importlib.resources import files


def read_asset(name: str) -> str:
    """The text of a file in this package."""
    return (files(__name__) / name).read_text(encoding="utf-8")

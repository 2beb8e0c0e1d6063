"""Points and boxes from the command line."""

import math

import typer


def parse_points(texts: list[str]) -> list[tuple[float, float]]:
    """Points from texts such as '10,20', each of which may hold several, separated by spaces."""
    found = []
    for text in " ".join(texts).split():
        x, y = _numbers(text, 2, "--points", "X,Y in pixels, for instance 120,85.5")
        found.append((x, y))
    return found


def parse_box(text: str | None, option: str) -> tuple[float, float, float, float] | None:
    """A box from text such as '10,20,110,90'; None stays None."""
    if text is None:
        return None
    x0, y0, x1, y1 = _numbers(text, 4, option, "X0,Y0,X1,Y1 in pixels, for instance 10,20,310,180")
    return x0, y0, x1, y1


def _numbers(text: str, count: int, option: str, expected: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise typer.BadParameter(f"expected {expected}; found '{text}'.", param_hint=option)
    return numbers

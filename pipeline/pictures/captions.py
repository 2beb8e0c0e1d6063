"""Strips of text for pictures that are put together from photographs and renderings."""

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import UInt8

FONT, SCALE, THICKNESS = cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1
LINE = 20
"""Height of a line of text in pixels."""
BORDER = 5
"""Free pixels beside and above the text."""


def caption_row(texts: Sequence[str], widths: Sequence[int]) -> UInt8[np.ndarray, "H W 3"]:
    """Captions side by side, black on white and centred, each as wide as told and all as high as the highest.

    A caption that does not fit into one line is broken between words; a word that does not fit is drawn smaller.

    Args:
        texts: of printable ASCII characters; others may show as question marks.
        widths: in pixels.
    """
    wrapped = [_wrap(text, width - 2 * BORDER) for text, width in zip(texts, widths, strict=True)]
    height = max(map(len, wrapped)) * LINE + 2 * BORDER
    return np.concatenate([_draw(lines, width, height) for lines, width in zip(wrapped, widths, strict=True)], axis=1)


def _wrap(text: str, width: int) -> list[str]:
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and _width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _draw(lines: list[str], width: int, height: int) -> UInt8[np.ndarray, "H W 3"]:
    canvas = np.full((height, width, 3), 255, np.uint8)
    top = (height - LINE * len(lines)) // 2
    for number, line in enumerate(lines):
        scale = SCALE * min(1.0, (width - 2 * BORDER) / _width(line))
        x = (width - _width(line, scale)) // 2
        # The letters stand a third of a line above the line's end.
        baseline = top + LINE * number + 2 * LINE // 3 + 1
        cv2.putText(canvas, line, (x, baseline), FONT, scale, (0, 0, 0), THICKNESS, cv2.LINE_AA)
    return canvas


def _width(text: str, scale: float = SCALE) -> int:
    return cv2.getTextSize(text, FONT, scale, THICKNESS)[0][0]

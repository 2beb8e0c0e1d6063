"""The sheet of pictures of one model as an image, and back: its template, and what it makes of some photographs."""

from typing import NamedTuple

import numpy as np
from jaxtyping import UInt8

from pipeline.base.errors import InputError
from pipeline.pictures.captions import caption_row

SIZE = 160
"""Side of one picture in pixels."""
GAP = 4
"""White pixels to the right of each picture and below it."""
TITLE = "template from four sides, coloured by vertex identity; the line is its outline"
COLUMNS = ("photograph", "reconstruction", "vertex identity", "from the side")


class Sheet(NamedTuple):
    """Pictures of SIZE x SIZE pixels. In `template`, `identities` and `side` the same colour is the same vertex."""

    template: UInt8[np.ndarray, "4 S S 3"]
    """Template from four sides. The first is the side view of `side`."""
    photographs: UInt8[np.ndarray, "N S S 3"]
    reconstructions: UInt8[np.ndarray, "N S S 3"]
    """Meshes in the model's own colours, in the predicted pose."""
    identities: UInt8[np.ndarray, "N S S 3"]
    """Meshes coloured by vertex identity, in the predicted pose."""
    side: UInt8[np.ndarray, "N S S 3"]
    """Meshes coloured by vertex identity, from the side, with the template's outline."""


def compose_sheet(sheet: Sheet) -> UInt8[np.ndarray, "H W 3"]:
    """The template's views in the first row, then a row for each photograph; captions above both."""
    title, labels = _captions()
    rows = np.stack(sheet[1:], axis=1)
    return np.concatenate([title, picture_grid(sheet.template[None]), labels, picture_grid(rows)])


def split_sheet(image: UInt8[np.ndarray, "H W 3"]) -> Sheet:
    """The pictures on an image that `compose_sheet` made.

    Raises:
        InputError: the image does not have the size of a sheet.
    """
    title, labels = _captions()
    cell = SIZE + GAP
    rows, rest = divmod(image.shape[0] - len(title) - len(labels) - cell, cell)
    if rows < 0 or rest or image.shape[1] != title.shape[1]:
        raise InputError(
            f"Expected a sheet of pictures, {title.shape[1]} pixels wide; found an image of {image.shape[1]} x "
            f"{image.shape[0]} pixels. Run the stage `predict` again."
        )
    template = _pictures(image[len(title) :][:cell])[0]
    columns = _pictures(image[len(title) + cell + len(labels) :]).swapaxes(0, 1)
    return Sheet(template, *columns)


def picture_grid(pictures: UInt8[np.ndarray, "R C S S 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """Rows and columns of pictures, with white gaps."""
    rows, columns, size = pictures.shape[:3]
    cells = np.full((rows, columns, size + GAP, size + GAP, 3), 255, np.uint8)
    cells[:, :, :size, :size] = pictures
    return cells.swapaxes(1, 2).reshape(rows * (size + GAP), columns * (size + GAP), 3)


def _pictures(grid: UInt8[np.ndarray, "H W 3"]) -> UInt8[np.ndarray, "R C S S 3"]:
    """The inverse of `picture_grid`."""
    cell = SIZE + GAP
    rows, columns = grid.shape[0] // cell, grid.shape[1] // cell
    return grid.reshape(rows, cell, columns, cell, 3).swapaxes(1, 2)[:, :, :SIZE, :SIZE]


def _captions() -> tuple[UInt8[np.ndarray, "_ W 3"], UInt8[np.ndarray, "_ W 3"]]:
    """Above the template, and above the photographs."""
    widths = [SIZE + GAP] * len(COLUMNS)
    return caption_row([TITLE], [sum(widths)]), caption_row(COLUMNS, widths)

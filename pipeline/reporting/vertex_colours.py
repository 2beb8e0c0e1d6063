"""Template and instances of several methods, each vertex in a colour of its own: the paper's Figures 4 and 5."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import UInt8

from pipeline.base.errors import InputError
from pipeline.pictures.captions import caption_row
from pipeline.pictures.sheets import GAP, SIZE, Sheet, picture_grid, split_sheet

SPACE = 12
"""White pixels between two methods."""
TEMPLATE = "template, from behind and from the side; its outline is drawn over the instances"


def vertex_colour_figure(sheets: Mapping[str, UInt8[np.ndarray, "_ _ 3"]]) -> UInt8[np.ndarray, "H W 3"]:
    """Draw the photographs once, and beside them each method's meshes in the predicted pose and from the side.

    A line in the side view is the template's outline, so that a stranger sees what an instance changes.

    The first row shows the template. Each method has a template of its own, so that the same colour is the same vertex
    within a method.

    Args:
        sheets: images by the method's name, made of the same photographs by `pipeline.pictures.sheets.compose_sheet`.

    Raises:
        InputError: there is no sheet, an image is not a sheet, or they show different photographs.
    """
    if not sheets:
        raise InputError("A figure of vertex colours needs the sheet of one method or more; found none.")
    split = {name: split_sheet(image) for name, image in sheets.items()}
    photographs = next(iter(split.values())).photographs
    for name, sheet in split.items():
        if not np.array_equal(sheet.photographs, photographs):
            raise InputError(
                f"The sheets of '{next(iter(split))}' and '{name}' show different photographs. "
                "Run the stage `predict` again for both: dvc repro."
            )
    blocks, names = [_photographs(photographs)], [""]
    for name, sheet in split.items():
        blocks += [np.full((len(blocks[0]), SPACE, 3), 255, np.uint8), _method(sheet)]
        names += ["", name]
    head = caption_row(names, [block.shape[1] for block in blocks])
    return np.concatenate([head, np.concatenate(blocks, axis=1)])


def _photographs(photographs: UInt8[np.ndarray, "N S S 3"]) -> UInt8[np.ndarray, "H W 3"]:
    """The column of photographs below a caption in the template's row."""
    column = picture_grid(photographs[:, None])
    head = caption_row(["photograph"], [SIZE + GAP])
    row = np.full((SIZE + GAP, SIZE + GAP, 3), 255, np.uint8)
    text = caption_row([TEMPLATE], [SIZE + GAP])
    top = (len(row) - len(text)) // 2
    row[top : top + len(text)] = text
    return np.concatenate([head, row, column])


def _method(sheet: Sheet) -> UInt8[np.ndarray, "H W 3"]:
    columns = np.stack([sheet.identities, sheet.side], axis=1)
    head = caption_row(["predicted pose", "from the side"], [SIZE + GAP] * 2)
    # The template has no predicted pose; its place shows it from behind.
    return np.concatenate([head, picture_grid(sheet.template[None, [2, 0]]), picture_grid(columns)])

"""A model bundle as a model of MLflow: rows of two photographs and a point in, points of the second photograph out.

MLflow calls `_load_pyfunc`; nothing is unpickled.
"""

import base64
import binascii
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from pipeline.base.errors import InputError
from semagic.category_model import CategoryModel
from semagic.photographs import Photograph
from semagic.results import PreparedPhoto

OUTPUTS = ("x", "y", "visible", "similarity", "probability")


class PointMatcher:
    """What `mlflow.pyfunc.load_model` wraps.

    Args:
        model: the category.
    """

    def __init__(self, model: CategoryModel):
        self._model = model

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Match one point for each row.

        Args:
            model_input: columns `a` and `b`, photographs as paths or as files in base64; `x` and `y`, a point in pixels
                of `a`; and, where they are known, `box_a` and `box_b`, texts 'x0,y0,x1,y1'. Boxes that are missing or
                empty are found.
            params: there are none.

        Returns:
            Columns `x` and `y` in pixels of `b`, `visible`, `similarity`, `probability`, in the order of the rows.

        Raises:
            InputError: a photograph, a box or a point is none.
        """
        prepared: dict[tuple[str, str], PreparedPhoto] = {}

        def prepare(photograph: str, box: object) -> PreparedPhoto:
            text = box if isinstance(box, str) else ""
            if (photograph, text) not in prepared:
                image = _photograph(photograph)
                numbers = _box(text) if text else self._model.find_box(image)
                prepared[photograph, text] = self._model.prepare(image, numbers)
            return prepared[photograph, text]

        found = np.zeros((len(model_input), len(OUTPUTS)))
        for number, row in enumerate(model_input.to_dict("records")):
            a, b = prepare(row["a"], row.get("box_a")), prepare(row["b"], row.get("box_b"))
            matches = self._model.match(a, b, [(row["x"], row["y"])])
            found[number] = [*matches.points[0], matches.visible[0], matches.similarity[0], matches.probability[0]]
        table = pd.DataFrame(found, columns=list(OUTPUTS))
        return table.astype({"visible": bool})


def _load_pyfunc(path: str) -> PointMatcher:
    """Load the bundle in the folder `path`; MLflow gives this function its name."""
    return PointMatcher(CategoryModel.load(Path(path)))


def _photograph(text: str) -> Photograph:
    """A path as it is, or the pixels of a file in base64."""
    # No path is as long as a photograph.
    if len(text) < 1000 and Path(text).is_file():
        return text
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise InputError(
            f"{text[:80]}: expected the path of a photograph, or a file in base64, found neither."
        ) from None
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR) if content else None
    if image is None:
        raise InputError(f"{text[:80]}: expected a photograph in base64, found {len(content)} bytes that are none.")
    return cv2.cvtColor(image, cv2.COLOR_BGR2RGB)


def _box(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise InputError(f"expected a box 'x0,y0,x1,y1' in pixels, found '{text}'.") from None

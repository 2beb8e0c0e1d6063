"""Shapes made from a folder of CAD models instead of the parametric families."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipeline.base.errors import InputError
from pipeline.config.categories import check_category
from pipeline.data.json_files import read_json
from pipeline.data.mesh_files import PARSERS, mesh_file, read_mesh
from pipeline.simulation.shapes import make_shape
from pipeline.simulation.shapes.colours import paint
from pipeline.simulation.shapes.shape import Shape, normalised

ShapeSource = Callable[[np.random.Generator], Shape]
"""Draws one random instance of a category."""

PALETTE = 4
"""Number of colours on one instance of a CAD model."""


class CadModel(NamedTuple):
    """A model as its files give it: CAD frame (z up, front -y), any size and position."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    component: Int[np.ndarray, "F"]
    """Index of the connected piece that a face belongs to; the piece with the most faces is 0."""
    keypoints: dict[str, Float[np.ndarray, "3"]]


def shape_source(category: str, cad_dir: str, scale_std: float, root: Path = Path()) -> ShapeSource:
    """The source of a category's shapes: the folder `cad_dir` (relative to `root`), or the parametric family if empty.

    Raises:
        InputError: the category is unknown, or has no usable CAD models.
    """
    check_category(category)
    if not cad_dir:
        return lambda rng: make_shape(category, rng)
    models = read_models(root / cad_dir, category)
    return lambda rng: vary(models[rng.integers(len(models))], scale_std, rng)


def read_models(cad_dir: Path, category: str) -> list[CadModel]:
    """Read `CAD/<category>/NN.off` with `NN_keypoints.json` (name -> {x, y, z}, or null), in the order of their names.

    A model may also be an OBJ, PLY, GLB or STL file, with the same axes.

    Raises:
        InputError: the category is unknown, there is no model, or a model or its keypoints are missing or damaged.
    """
    folder = cad_dir / "CAD" / check_category(category)
    files = folder.iterdir() if folder.is_dir() else ()
    ends = "|".join(re.escape(end) for end in (*PARSERS, "_keypoints.json"))
    numbers = sorted({match[1] for path in files if (match := re.fullmatch(rf"(\d+)({ends})", path.name))})
    if not numbers:
        raise InputError(
            f"{folder}: expected CAD models (01.off with 01_keypoints.json, ...), found none. Add one or more, take "
            f"'{category}' out of `categories`, or empty `simulation.cad_dir` for the parametric shapes."
        )
    return [_read_model(folder, number) for number in numbers]


def vary(model: CadModel, scale_std: float, rng: np.random.Generator) -> Shape:
    """A new instance: each axis scaled by exp(N(0, scale_std)), then normalised, in freshly drawn colours."""
    scale = np.exp(rng.normal(0, scale_std, 3))
    palette = np.stack([paint(rng) for _ in range(PALETTE)])
    keypoints = {name: point * scale for name, point in model.keypoints.items()}
    return normalised(model.vertices * scale, model.faces, palette[model.component % PALETTE], keypoints)


def _read_model(folder: Path, number: str) -> CadModel:
    path = mesh_file(folder / f"{number}.off")
    vertices, faces = read_mesh(path)
    if len(faces) == 0:
        raise InputError(f"{path}: expected a surface, found {len(faces)} faces. Replace the model.")
    vertices, faces = _welded(np.asarray(vertices, np.float64), np.asarray(faces, np.int64))
    return CadModel(
        vertices, faces, _components(faces, len(vertices)), _read_keypoints(folder / f"{number}_keypoints.json")
    )


def _read_keypoints(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise InputError(
            f"{path}: expected the model's keypoints, found no file. Write one: a JSON object with "
            'entries such as "left_wing": {"x": -0.34, "y": 0.12, "z": -0.02}.'
        )
    content = read_json(path, "Mend the file.")
    try:
        points = {name: np.array([float(at[axis]) for axis in "xyz"]) for name, at in content.items() if at}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: expected a JSON object of name -> {{x, y, z}}, found something else ({error!r}). Mend the file."
        ) from None
    for name, point in points.items():
        if not np.isfinite(point).all():
            raise InputError(f"{path}: keypoint '{name}' is not finite: {point.tolist()}. Mend or remove it.")
    return points


def _welded(vertices: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Merge equal vertices, which exporters repeat."""
    unique, index = np.unique(vertices, axis=0, return_inverse=True)
    return unique, index.reshape(-1)[faces]


def _components(faces: np.ndarray, num_vertices: int) -> np.ndarray:
    """Connected piece of each face, numbered by falling number of faces."""
    start, end = faces.reshape(-1), np.roll(faces, 1, axis=1).reshape(-1)
    graph = coo_array((np.ones(len(start), bool), (start, end)), shape=(num_vertices, num_vertices))
    _, label = connected_components(graph, directed=False)
    _, piece, sizes = np.unique(label[faces[:, 0]], return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(-sizes, kind="stable"), kind="stable")
    return rank[piece]

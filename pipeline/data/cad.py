"""PASCAL3D+'s CAD models: `CAD/<category>.mat` with named keypoints, `CAD/<category>/NN.off` for each model."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from pipeline.base.errors import InputError
from pipeline.data import matlab
from pipeline.data.mesh import clean_mesh

OTHERS = ("vertices", "faces", "pnames")
"""Fields of a model that are no keypoints."""


class CadModel(NamedTuple):
    """One model in the CAD frame: centred, bounding box diagonal about 1."""

    vertices: Float[np.ndarray, "V 3"]
    faces: Int[np.ndarray, "F 3"]
    """Vertex indices from 0; the file's begin with 1."""
    keypoints: Mapping[str, Float[np.ndarray, "3"]]
    """Keypoints that this model has, by name."""


def cad_path(root: Path, category: str) -> Path:
    """File of all models of a category with their keypoints."""
    return root / "CAD" / f"{category}.mat"


def mesh_path(root: Path, category: str, index: int) -> Path:
    """File of the mesh of the model with the 1-based `index`."""
    return root / "CAD" / category / f"{index:02d}.off"


def write_cad(path: Path, models: Sequence[CadModel]) -> None:
    """Write `CAD/<category>.mat`; a keypoint that a model lacks becomes an empty field. Equal models, equal bytes."""
    names = sorted({name for model in models for name in model.keypoints})
    cells = np.array([[*names]], dtype=object).reshape(1, -1)
    rows = [
        {
            "vertices": np.asarray(model.vertices, dtype=np.float64),
            "faces": np.asarray(model.faces, dtype=np.float64) + 1,
            **{name: np.asarray(model.keypoints.get(name, matlab.EMPTY), dtype=np.float64) for name in names},
            "pnames": cells,
        }
        for model in models
    ]
    matlab.write_variable(path, path.stem, matlab.struct_array(rows, ("vertices", "faces", *names, "pnames")))


def read_cad(path: Path) -> tuple[CadModel, ...]:
    """Read `CAD/<category>.mat`: float64 vertices, int32 faces, cleaned by `pipeline.data.mesh.clean_mesh`.

    Raises:
        InputError: the file is missing, truncated or damaged, holds no models, or one that is no mesh.
    """
    structs = matlab.structs(matlab.read_variable(path, path.stem))
    if not structs:
        raise InputError(f"{path}: expected CAD models, found none. Fetch the file again.")
    return tuple(_model(path, struct) for struct in structs)


def _model(path: Path, struct: matlab.Struct) -> CadModel:
    try:
        vertices = np.asarray(struct["vertices"], dtype=np.float64).reshape(-1, 3)
        corners = np.asarray(struct["faces"], dtype=np.float64).reshape(-1, 3)
        if not ((corners == np.rint(corners)) & (np.abs(corners) < 2**31)).all():
            raise ValueError("a face names a vertex by a number that is not whole")
        mesh = clean_mesh(vertices, corners.astype(np.int64) - 1)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected vertices and faces for each model, found a model without ({error!r}). "
            "Fetch the file again."
        ) from None
    points = {name: matlab.numbers(value, 3) for name, value in struct.items() if name not in OTHERS}
    keypoints = {name: np.array(point) for name, point in points.items() if point is not None}
    return CadModel(mesh.vertices, mesh.faces, keypoints)

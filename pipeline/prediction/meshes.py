"""The predicted meshes and silhouettes of a cell's images, on disk."""

from pathlib import Path
from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from safetensors.torch import load, save
from torch import Tensor

from pipeline.base.errors import InputError
from pipeline.base.files import write_bytes


class PredictedMeshes(NamedTuple):
    """One mesh for each image, all with the faces of the template."""

    template: Float[Tensor, "N 3"]
    """In the object frame, as the deformed vertices."""
    faces: Int[Tensor, "F 3"]
    vertices: dict[str, Float[Tensor, "N 3"]]
    """Deformed vertices by the name of the image."""
    silhouettes: dict[str, Bool[Tensor, "S S"]]
    """Covered pixels of the crop by the name of the image, row 0 at the top."""


def write_meshes(path: Path, meshes: PredictedMeshes) -> None:
    """Write as safetensors; equal content gives equal bytes."""
    tensors = {"template": meshes.template, "faces": meshes.faces.int()}
    tensors |= {f"vertices/{name}": value for name, value in meshes.vertices.items()}
    tensors |= {f"silhouettes/{name}": value for name, value in meshes.silhouettes.items()}
    write_bytes(path, save({key: tensors[key].detach().contiguous() for key in sorted(tensors)}))


def read_meshes(path: Path) -> PredictedMeshes:
    """Read what `write_meshes` wrote.

    Raises:
        InputError: there is no such file.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected the predicted meshes of the category, found none. Run the stage `predict`.")
    tensors = load(path.read_bytes())

    def named(kind: str) -> dict[str, torch.Tensor]:
        return {key.removeprefix(kind): value for key, value in tensors.items() if key.startswith(kind)}

    return PredictedMeshes(tensors["template"], tensors["faces"], named("vertices/"), named("silhouettes/"))

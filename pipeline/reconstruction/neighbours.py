"""Nearest neighbours between sets of points, which the alignment and the Chamfer distance spend their time on."""

import importlib
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Int
from scipy.spatial import cKDTree

from pipeline.base.errors import InputError, nearest
from pipeline.hardware.packages import obstacle

INSTALL = (
    "pip install kaolin==0.18.0 -f https://nvidia-kaolin.s3.us-east-2.amazonaws.com/torch-2.8.0_cu128.html "
    "(for torch 2.8.0 and CUDA 12.8; README.md says which others there are)."
)


class Nearest(NamedTuple):
    """For each of N points the nearest point of a cloud; of several that are as near, any."""

    distances: Float[np.ndarray, " N"]
    indices: Int[np.ndarray, " N"]


@runtime_checkable
class Cloud(Protocol):
    """Points, one or more, that neighbours are looked for among."""

    def nearest(self, points: Float[np.ndarray, "N 3"]) -> Nearest:
        """The neighbour in the cloud of each of `points`."""
        ...


@runtime_checkable
class Neighbours(Protocol):
    """A way to search."""

    name: str

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        """Prepare one or more points to be searched; `once` says that they will be searched a single time."""
        ...


class ScipyNeighbours:
    """Trees, on one core of the processor."""

    name = "scipy"

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        # A balanced tree takes three times as long to build and is no faster to search once.
        return _Tree(cKDTree(points, balanced_tree=not once, compact_nodes=not once))


class _Tree(NamedTuple):
    tree: cKDTree

    def nearest(self, points: Float[np.ndarray, "N 3"]) -> Nearest:
        return Nearest(*self.tree.query(points, workers=1))


SCIPY = ScipyNeighbours()
"""It has no state."""


class KaolinNeighbours:
    """All pairs, on a GPU, by `kaolin.metrics.pointcloud.sided_distance` (NVIDIA Kaolin, Apache-2.0) in float64.

    The distances are computed here, from the indices, so that they are scipy's wherever the neighbour is the same.
    """

    name = "kaolin"

    def __init__(self, device: torch.device | str = "cuda") -> None:
        self._sided_distance = importlib.import_module("kaolin.metrics.pointcloud").sided_distance
        self._device = device

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        return _Points(points, self._on_device(points), self)

    def indices(self, points: Float[np.ndarray, "N 3"], cloud: Float[torch.Tensor, "1 M 3"]) -> Int[np.ndarray, " N"]:
        """The row in `cloud` nearest to each of `points`."""
        return self._sided_distance(self._on_device(points), cloud)[1][0].cpu().numpy()

    def _on_device(self, points: Float[np.ndarray, "N 3"]) -> Float[torch.Tensor, "1 N 3"]:
        return torch.from_numpy(np.ascontiguousarray(points, np.float64)).to(self._device)[None]


class _Points(NamedTuple):
    points: Float[np.ndarray, "M 3"]
    on_device: Float[torch.Tensor, "1 M 3"]
    search: KaolinNeighbours

    def nearest(self, points: Float[np.ndarray, "N 3"]) -> Nearest:
        indices = self.search.indices(points, self.on_device)
        return Nearest(np.linalg.norm(points - self.points[indices], axis=1), indices)


def kaolin_obstacle() -> str:
    """Why kaolin cannot be used here and how to mend that; empty if it can."""
    return obstacle("kaolin", "kaolin.metrics.pointcloud", INSTALL)


def make_neighbours(name: str) -> Neighbours:
    """The search that `reconstruction.neighbours` names: 'scipy', 'kaolin', or 'auto', kaolin where it can be used.

    Raises:
        InputError: there is no such search, or kaolin cannot be used here.
    """
    if name not in ("auto", "scipy", "kaolin"):
        valid = nearest(name, ("auto", "scipy", "kaolin"))
        raise InputError(f"params.yaml: unknown reconstruction.neighbours '{name}'. {valid}")
    if name == "scipy":
        return SCIPY
    reason = kaolin_obstacle()
    if not reason:
        return KaolinNeighbours()
    if name == "auto":
        return SCIPY
    raise InputError(f"params.yaml: reconstruction.neighbours is 'kaolin'. {reason} Or set it to scipy or auto.")

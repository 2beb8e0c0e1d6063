"""Nearest-neighbour search between point sets, which dominates the time of the alignment and the Chamfer distance."""

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
    "(for torch 2.8.0 and CUDA 12.8; docs/gpu.md says which others there are)."
)


class Nearest(NamedTuple):
    """Nearest point of a cloud for each of N points. Ties are broken arbitrarily."""

    distances: Float[np.ndarray, " N"]
    indices: Int[np.ndarray, " N"]


@runtime_checkable
class Cloud(Protocol):
    """Non-empty point set, prepared for nearest-neighbour queries."""

    def nearest(self, points: Float[np.ndarray, "N 3"]) -> Nearest:
        """Nearest neighbour in the cloud of each of `points`."""
        ...


@runtime_checkable
class Neighbours(Protocol):
    """Method of nearest-neighbour search."""

    name: str

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        """Prepare one or more points for queries; `once` says that they will be queried a single time."""
        ...


class ScipyNeighbours:
    """Search with scipy's k-d trees, on one CPU core."""

    name = "scipy"

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        # A balanced tree takes three times as long to build and is no faster for a single query.
        return _Tree(cKDTree(points, balanced_tree=not once, compact_nodes=not once))


class _Tree(NamedTuple):
    tree: cKDTree

    def nearest(self, points: Float[np.ndarray, "N 3"]) -> Nearest:
        return Nearest(*self.tree.query(points, workers=1))


SCIPY = ScipyNeighbours()
"""Shared instance of the scipy search, which has no state."""


class KaolinNeighbours:
    """Search over all pairs on a GPU, in float64.

    The indices come from `kaolin.metrics.pointcloud.sided_distance` (NVIDIA Kaolin, Apache-2.0). The distances are
    computed here from the indices, so that they equal scipy's wherever the neighbour is the same.
    """

    name = "kaolin"

    def __init__(self, device: torch.device | str = "cuda") -> None:
        self._sided_distance = importlib.import_module("kaolin.metrics.pointcloud").sided_distance
        self._device = device

    def cloud(self, points: Float[np.ndarray, "M 3"], once: bool = False) -> Cloud:
        return _Points(points, self._on_device(points), self)

    def indices(self, points: Float[np.ndarray, "N 3"], cloud: Float[torch.Tensor, "1 M 3"]) -> Int[np.ndarray, " N"]:
        """Index of the row of `cloud` that is nearest to each of `points`."""
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
    """Reason why kaolin cannot be used on this machine, with the remedy. Empty if it can be used."""
    return obstacle("kaolin", "kaolin.metrics.pointcloud", INSTALL)


def make_neighbours(name: str) -> Neighbours:
    """Make the search that `reconstruction.neighbours` names.

    Args:
        name: 'scipy', 'kaolin', or 'auto', which is kaolin where it can be used and scipy elsewhere.

    Raises:
        InputError: the name is unknown, or kaolin is requested and cannot be used on this machine.
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

"""The typed form of the label sections of `params.yaml`: masks, depth, poses, features, pretrained networks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Overlays = Mapping[str, Mapping[str, Any]]
"""Named sets of nested changes to other parameters."""


@dataclass(frozen=True)
class SimulatedMaskParams:
    boundary_std: float
    boundary_length: float


@dataclass(frozen=True)
class GrabCutParams:
    iterations: int
    context: float
    smallest_share: float


@dataclass(frozen=True)
class SamParams:
    model: str


@dataclass(frozen=True)
class MaskChoice:
    box_overlap: float
    box_share: float


@dataclass(frozen=True)
class MaskCleaning:
    margin: float
    smallest_part: float
    largest_hole: float


@dataclass(frozen=True)
class Masks:
    backend: str
    simulated: SimulatedMaskParams
    grabcut: GrabCutParams
    sam: SamParams
    segment_anything: SamParams
    choice: MaskChoice
    cleaning: MaskCleaning


@dataclass(frozen=True)
class SimulatedDepthParams:
    smooth_noise: float
    smooth_length: float
    white_noise: float
    scale_std: float
    shift_std: float


@dataclass(frozen=True)
class DepthAnythingParams:
    model: str
    short_side: int


@dataclass(frozen=True)
class Depth:
    backend: str
    simulated: SimulatedDepthParams
    depth_anything: DepthAnythingParams


@dataclass(frozen=True)
class SimulatedPoseParams:
    azimuth_std: float
    elevation_std: float
    theta_std: float
    flip_share: float


@dataclass(frozen=True)
class OrientAnythingParams:
    model: str
    foreground: float


@dataclass(frozen=True)
class Poses:
    backend: str
    simulated: SimulatedPoseParams
    orient_anything: OrientAnythingParams


@dataclass(frozen=True)
class SimulatedFeatureParams:
    dims: int
    code_dims: int
    frequency: float
    white_noise: float
    smooth_noise: float
    smooth_length: float
    instance_noise: float
    background_length: float


@dataclass(frozen=True)
class SiftParams:
    support: float


@dataclass(frozen=True)
class DinoV2Params:
    model: str


@dataclass(frozen=True)
class Features:
    backend: str
    grid: int
    simulated: SimulatedFeatureParams
    sift: SiftParams
    dinov2: DinoV2Params
    backbones: Overlays


@dataclass(frozen=True)
class Pretrained:
    weights: str
    device: str
    batch: int


def model_of(section: Masks | Depth | Poses | Features) -> str | None:
    """The model behind the backend that a section chooses; None where the backend needs no weights."""
    return getattr(getattr(section, section.backend, None), "model", None)

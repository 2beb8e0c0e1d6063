"""The typed form of `params.yaml`, which documents every key and holds every value."""

import dataclasses
import types
import typing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.categories import check_category
from pipeline.errors import InputError, nearest


@dataclass(frozen=True)
class Data:
    pascal3d: str
    spair: str
    truth: str
    evaluation_split: Literal["trn", "val", "test"]
    exclude_truncated_pairs: bool
    exclude_flagged_training: bool
    crop_margin: float


@dataclass(frozen=True)
class Benchmark:
    seed: int
    cad_dir: str
    cad_scale_std: float
    train_shapes: int
    pair_shapes: int
    train_images: int
    trn_images: int
    val_images: int
    test_images: int
    trn_pairs: int
    val_pairs: int
    test_pairs: int
    image_size: int
    truncated_share: float
    occluded_share: float
    broad_azimuth_share: float
    broad_spread: float


@dataclass(frozen=True)
class BenchmarkMaskParams:
    boundary_std: float
    boundary_length: float


@dataclass(frozen=True)
class GrabCutParams:
    iterations: int
    context: float
    smallest_share: float


@dataclass(frozen=True)
class Masks:
    backend: str
    benchmark: BenchmarkMaskParams
    grabcut: GrabCutParams


@dataclass(frozen=True)
class BenchmarkDepthParams:
    smooth_noise: float
    smooth_length: float
    white_noise: float
    scale_std: float
    shift_std: float


@dataclass(frozen=True)
class Depth:
    backend: str
    benchmark: BenchmarkDepthParams


@dataclass(frozen=True)
class BenchmarkPoseParams:
    azimuth_std: float
    elevation_std: float
    theta_std: float
    flip_share: float


@dataclass(frozen=True)
class Poses:
    backend: str
    benchmark: BenchmarkPoseParams


@dataclass(frozen=True)
class BenchmarkFeatureParams:
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
class Features:
    backend: str
    grid: int
    benchmark: BenchmarkFeatureParams
    sift: SiftParams


@dataclass(frozen=True)
class Pca:
    dims: int
    foreground_share: float


@dataclass(frozen=True)
class Grid:
    resolution: int
    scale: float


@dataclass(frozen=True)
class Sdf:
    layers: int
    width: int
    frequencies: int
    radius: float


@dataclass(frozen=True)
class Mlp:
    layers: int
    width: int
    frequencies: int


@dataclass(frozen=True)
class Field:
    layers: int
    width: int
    frequencies: int
    symmetric: bool


@dataclass(frozen=True)
class Deformation:
    layers: int
    width: int
    frequencies: int
    scale: float
    symmetric: bool
    identity: Literal["frozen", "grid"]
    index_embedding: bool
    code_dims: int
    code_std: float


@dataclass(frozen=True)
class Encoder:
    width: int
    dims: int


@dataclass(frozen=True)
class Pose:
    keypoints: int
    fov: float
    distance: float
    max_elevation: float
    max_theta: float
    max_offset: float
    max_zoom: float
    hypotheses: int


@dataclass(frozen=True)
class Model:
    grid: Grid
    sdf: Sdf
    field: Field
    deformation: Deformation
    texture: Mlp
    encoder: Encoder
    pose: Pose


@dataclass(frozen=True)
class Loss:
    mask: float
    distance: float
    rgb: float
    feature: float
    feature_deformed: float
    eikonal: float
    size: float
    deformation: float
    laplacian: float
    feat_cons: float
    depth: float
    pose: float
    logit: float
    logit_feature_boost: float


@dataclass(frozen=True)
class PoseAugmentation:
    background: float
    rotation: float
    log_scale: float
    shift: float


@dataclass(frozen=True)
class Training:
    seed: int
    steps: int
    batch: int
    size: int
    lr_prior: float
    lr_instance: float
    lr_codes: float
    lr_pose: float
    final_lr_factor: float
    final_share: float
    clip: float
    flip: bool
    pose_batch: int
    pose_augmentation: PoseAugmentation
    deform_from: float
    feat_cons_ramp: float
    label_pose_until: float
    depth_from: float
    jitter: float
    ema: float
    hypotheses_uniform_until: float
    hypotheses_blend_until: float
    hypotheses_best_from: float
    hypotheses_best_until: float
    hypotheses_best_share: float
    hypotheses_sharpness: float
    checkpoint_every: int
    log_every: int


@dataclass(frozen=True)
class Correspondence:
    subdivisions: int
    size: int
    tolerance: float
    search: bool
    window_area: float
    reference: Literal["image", "field", "mean"]


@dataclass(frozen=True)
class Evaluation:
    alphas: tuple[float, ...]
    methods: tuple[str, ...]
    map_size: int
    within_mask: bool


@dataclass(frozen=True)
class Tracking:
    experiment: str


@dataclass(frozen=True)
class Params:
    categories: tuple[str, ...]
    data: Data
    benchmark: Benchmark
    masks: Masks
    depth: Depth
    poses: Poses
    features: Features
    pca: Pca
    model: Model
    loss: Loss
    training: Training
    correspondence: Correspondence
    evaluation: Evaluation
    tracking: Tracking

    def __post_init__(self) -> None:
        for category in self.categories:
            check_category(category)


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file.

    Raises:
        InputError: the file is missing, or a key is unknown, missing or of the wrong type.
    """
    if not path.is_file():
        raise InputError(f"{path}: no parameter file here. Run from the repository's root, or pass --root.")
    return parse_params(yaml.safe_load(path.read_text(encoding="utf-8")), source=str(path))


def parse_params(content: Any, source: str = "params") -> Params:
    """Check nested mappings against `Params`; `source` names them in errors."""
    return parse_section(Params, content, source)


def parse_section(kind: type, content: Any, source: str) -> Any:
    """Check nested mappings against one section's dataclass, and return an instance of it."""
    return _convert(kind, content, source, "")


def to_dict(params: Any) -> dict[str, Any]:
    """The plain nested form of a parameter dataclass, ready for JSON."""
    return dataclasses.asdict(params)


def _convert(kind: Any, value: Any, source: str, key: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _convert_section(kind, value, source, key)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        if value in arguments:
            return value
        raise _mistyped(source, key, f"one of {', '.join(map(repr, arguments))}", value)
    if origin is tuple:
        if isinstance(value, list):
            return tuple(_convert(arguments[0], item, source, f"{key}[{i}]") for i, item in enumerate(value))
        raise _mistyped(source, key, "a list", value)
    if origin is types.UnionType:
        return None if value is None else _convert(arguments[0], value, source, key)
    # `-S loss.feat_cons=0` writes an integer where a float stood.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, kind) and not (kind is int and isinstance(value, bool)):
        return value
    raise _mistyped(source, key, f"a value of type {kind.__name__}", value)


def _convert_section(kind: type, value: Any, source: str, key: str) -> Any:
    fields = typing.get_type_hints(kind)
    if not isinstance(value, dict):
        raise _mistyped(source, key, f"a section with the keys {', '.join(fields)}", value)
    prefix = f"{key}." if key else ""
    for name in value:
        if name not in fields:
            raise InputError(f"{source}: unknown parameter '{prefix}{name}'. {nearest(str(name), fields)}")
    for name in fields:
        if name not in value:
            raise InputError(f"{source}: parameter '{prefix}{name}' is missing; the file that is shipped has it.")
    return kind(**{name: _convert(fields[name], value[name], source, f"{prefix}{name}") for name in fields})


def _mistyped(source: str, key: str, expected: str, found: Any) -> InputError:
    return InputError(f"{source}: parameter '{key}' must be {expected}; found {found!r}.")

"""The typed form of `params.yaml`, which documents every key and holds every value."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from pipeline.base.errors import InputError, nearest
from pipeline.config.categories import check_category
from pipeline.config.label_params import Depth, Features, Masks, Overlays, Poses, Pretrained
from pipeline.config.parsing import merged, parse_section, to_dict

VARIED = ("model", "loss", "training", "correspondence")
"""Sections that a variant may change; the others are shared by all cells."""


@dataclass(frozen=True)
class Data:
    generate: tuple[Literal["simulation"], ...]
    fetch: tuple[Literal["pascal3d", "spair"], ...]
    pascal3d: str
    spair: str
    evaluation_split: Literal["trn", "val", "test"]
    exclude_truncated_pairs: bool
    exclude_flagged_training: bool
    max_training_images: int
    crop_margin: float


@dataclass(frozen=True)
class Fetch:
    downloads: str


@dataclass(frozen=True)
class Simulation:
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
class Hypotheses:
    count: int
    max_elevation: float
    max_theta: float
    elongation: float


@dataclass(frozen=True)
class Pose:
    keypoints: int
    pool: int
    fov: float
    distance: float
    max_elevation: float
    max_theta: float
    max_offset: float
    max_zoom: float
    hypotheses: Hypotheses


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
    surface_size: float
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
class Exploration:
    uniform_until: float
    blend_until: float
    best_from: float
    best_until: float
    best_share: float
    sharpness: float
    lr_angles: float
    lr_logits: float


@dataclass(frozen=True)
class Training:
    device: str
    matmul: Literal["float32", "tf32"]
    steps: int
    batch: int
    image_size: int
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
    hypotheses: Exploration
    checkpoint_every: int
    log_every: int


@dataclass(frozen=True)
class Correspondence:
    subdivisions: int
    map_size: int
    tolerance: float
    search: bool
    window_area: float
    reference: Literal["image", "field", "mean"]


@dataclass(frozen=True)
class Evaluation:
    alphas: tuple[float, ...]
    baselines: tuple[str, ...]
    map_size: int
    within_mask: bool


@dataclass(frozen=True)
class Bootstrap:
    replicates: int
    level: float
    seed: int


@dataclass(frozen=True)
class Reconstruction:
    variants: tuple[str, ...]
    images: int
    samples: int
    coarse_samples: int
    iterations: int
    trim: float
    candidates: int
    neighbours: Literal["auto", "scipy", "kaolin"]


@dataclass(frozen=True)
class Tracking:
    experiment: str


@dataclass(frozen=True)
class Params:
    categories: tuple[str, ...]
    trained: tuple[str, ...]
    backbones: tuple[str, ...]
    seeds: tuple[int, ...]
    data: Data
    fetch: Fetch
    simulation: Simulation
    masks: Masks
    depth: Depth
    poses: Poses
    features: Features
    pretrained: Pretrained
    pca: Pca
    model: Model
    loss: Loss
    training: Training
    correspondence: Correspondence
    evaluation: Evaluation
    bootstrap: Bootstrap
    reconstruction: Reconstruction
    variants: Overlays
    tracking: Tracking

    def __post_init__(self) -> None:
        for category in self.categories:
            check_category(category)
        for key, names, known in (
            ("trained", self.trained, self.variants),
            ("backbones", self.backbones, self.features.backbones),
            # Meshes are predicted by trained variants only.
            ("reconstruction.variants", self.reconstruction.variants, self.trained),
        ):
            for name in names:
                if name not in known:
                    raise InputError(f"params.yaml: unknown entry '{name}' of `{key}`. {nearest(name, known)}")


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file.

    Raises:
        InputError: the file is missing, or a key is unknown, missing or of the wrong type.
    """
    if not path.is_file():
        raise InputError(f"{path}: no parameter file here. Run from the repository's root, or pass --root.")
    return parse_params(yaml.safe_load(path.read_text(encoding="utf-8")), source=str(path))


def parse_params(content: Any, source: str = "params") -> Params:
    """Check nested mappings against `Params`, and what every variant and backbone makes of them.

    Args:
        source: names `content` in errors.

    Raises:
        InputError: a key is unknown, missing or of the wrong type.
    """
    params = parse_section(Params, content, source)
    for name, overlay in params.variants.items():
        varied = vary(params, overlay, f"{source}: variants.{name}")
        if name in params.trained and varied.loss.pose and params.poses.backend == "unknown":
            raise InputError(
                f"{source}: the variant '{name}' learns from poses, which the backend 'unknown' has none of. Choose "
                f"another poses.backend, or take '{name}' out of `trained`."
            )
    for name, overlay in params.features.backbones.items():
        _check_backbone(params, name, overlay, f"{source}: features.backbones.{name}")
    return params


def _check_backbone(params: Params, name: str, overlay: Mapping[str, Any], source: str) -> None:
    """A backbone that is run may not change another backend than the one it uses: it would pass for what it is not."""
    features = vary_features(params, overlay, source).features
    inert = sorted(set(overlay) - {"backend", "grid", features.backend})
    if name in params.backbones and inert:
        raise InputError(
            f"{source}: changes '{inert[0]}', which the backend '{features.backend}' does not read, so that its "
            f"features would be those of another backbone. Give it a backend of its own, or take '{name}' out of "
            "`backbones`."
        )


def vary(params: Params, overlay: Mapping[str, Any], source: str = "params") -> Params:
    """`params` with the changes of a variant.

    Raises:
        InputError: a key that `params` lacks, or that no variant may change, or a value of the wrong type.
    """
    for section in overlay:
        if section not in VARIED:
            raise InputError(f"{source}: a variant cannot change '{section}'. {nearest(section, VARIED)}")
    return parse_section(Params, merged(to_dict(params), overlay), source)


def vary_features(params: Params, overlay: Mapping[str, Any], source: str = "params") -> Params:
    """`params` with the changes of a backbone to `features`; errors as in `vary`."""
    return parse_section(Params, merged(to_dict(params), {"features": overlay}), source)

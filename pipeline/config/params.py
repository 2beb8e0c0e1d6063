"""The typed form of `params.yaml`, which documents every key and holds every value."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pipeline.base.errors import InputError, nearest
from pipeline.config.categories import RELEASES, check_category
from pipeline.config.data_params import Data, Fetch, Simulation
from pipeline.config.evaluation_params import Bootstrap, Correspondence, Evaluation, Reconstruction
from pipeline.config.label_params import Depth, Features, Masks, Pca, Poses, Pretrained
from pipeline.config.model_params import Model
from pipeline.config.model_params import Pose as Pose
from pipeline.config.parsing import merged, parse_section, to_dict
from pipeline.config.training_params import Loss, Training
from pipeline.config.training_params import PoseAugmentation as PoseAugmentation
from pipeline.config.variants import VARIED, Overlays, with_bases


@dataclass(frozen=True)
class Tracking:
    """Runs in MLflow."""

    experiment: str
    """Name of the experiment."""


@dataclass(frozen=True)
class Params:
    """All parameters: each variant is trained on each backbone, for each category and seed."""

    categories: tuple[str, ...]
    """Categories that are run, among those of the dataset."""
    trained: tuple[str, ...]
    """Variants that are trained: entries of `variants`."""
    backbones: tuple[str, ...]
    """Backbones that are run: entries of `features.backbones`, of which Table 1 shows the first."""
    seeds: tuple[int, ...]
    """Seeds of the initial weights, of the sample order and of every other draw of a training."""
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
    """Changes of each variant to model, loss, training and correspondence.

    A key `base` names another variant, whose changes are made first. A change to the sections themselves reaches every
    variant that does not set the same key.
    """
    tracking: Tracking

    def __post_init__(self) -> None:
        for category in self.categories:
            check_category(category, self.data.reader)
        if self.data.generate and self.data.reader != RELEASES:
            raise InputError(
                f"params.yaml: data.generate writes releases, which the reader '{self.data.reader}' does not read. "
                "Set data.generate to []."
            )
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
        content: the nested mappings; it may be anything.
        source: names `content` in errors.

    Raises:
        InputError: a key is unknown, missing or of the wrong type; or a name, a base or a backend does not fit.
    """
    params = parse_section(Params, content, source)
    params = dataclasses.replace(params, variants=with_bases(params.variants, source))
    for name, overlay in params.variants.items():
        varied = vary(params, overlay, f"{source}: variants.{name}")
        for label, weight in (("poses", varied.loss.pose), ("depth", varied.loss.depth)):
            if name in params.trained and weight and getattr(params, label).backend == "unknown":
                raise InputError(
                    f"{source}: the variant '{name}' learns from {label}, which the backend 'unknown' has none of. "
                    f"Choose another {label}.backend, or take '{name}' out of `trained`."
                )
    for name, overlay in params.features.backbones.items():
        _check_backbone(params, name, overlay, f"{source}: features.backbones.{name}")
    return params


def _check_backbone(params: Params, name: str, overlay: Mapping[str, Any], source: str) -> None:
    """Refuse a backbone that is run and changes another backend than its own: it would pass for what it is not."""
    features = vary_features(params, overlay, source).features
    inert = sorted(set(overlay) - {"backend", "grid", features.backend})
    if name in params.backbones and inert:
        raise InputError(
            f"{source}: changes '{inert[0]}', which the backend '{features.backend}' does not read, so that its "
            f"features would be those of another backbone. Give it a backend of its own, or take '{name}' out of "
            "`backbones`."
        )


def vary(params: Params, overlay: Mapping[str, Any], source: str = "params") -> Params:
    """The parameters with the changes of a variant.

    Args:
        overlay: nested changes, without a base.
        source: names `overlay` in errors.

    Raises:
        InputError: a key that `params` lacks, or that no variant may change, or a value of the wrong type.
    """
    for section in overlay:
        if section not in VARIED:
            raise InputError(f"{source}: a variant cannot change '{section}'. {nearest(section, VARIED)}")
    return parse_section(Params, merged(to_dict(params), overlay), source)


def vary_features(params: Params, overlay: Mapping[str, Any], source: str = "params") -> Params:
    """The parameters with the changes of a backbone to the section `features`.

    Raises:
        InputError: a key that `features` lacks, or a value of the wrong type.
    """
    return parse_section(Params, merged(to_dict(params), {"features": overlay}), source)

"""The typed form of `params.yaml`, which documents every key and holds every value."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pipeline.base.errors import InputError, nearest
from pipeline.base.yaml_text import read_yaml
from pipeline.config.categories import check_category
from pipeline.config.consistency import encoder_problem, generation_problem, splits_problem, template_problem
from pipeline.config.data_params import Data, Fetch, Simulation
from pipeline.config.evaluation_params import Bootstrap, Correspondence, Evaluation, Gallery, Reconstruction
from pipeline.config.kinds import Name, Seed
from pipeline.config.label_params import Depth, Features, Masks, Pca, Poses, Pretrained
from pipeline.config.model_params import Model
from pipeline.config.model_params import Pose as Pose
from pipeline.config.parsing import merged, parse_section, to_dict
from pipeline.config.ranges import NotEmpty, Unique
from pipeline.config.refinement_params import Refine
from pipeline.config.resource_params import Resources
from pipeline.config.training_params import Loss, Training
from pipeline.config.training_params import PoseAugmentation as PoseAugmentation
from pipeline.config.variants import VARIED, Overlays, with_bases

RESTORE = "Mend the file, or restore it: git checkout params.yaml."


@dataclass(frozen=True)
class Tracking:
    """Runs in MLflow."""

    experiment: Name
    """Name of the experiment."""


@dataclass(frozen=True)
class Params:
    """All parameters: each variant is trained on each backbone, for each category and seed."""

    categories: Annotated[tuple[Name, ...], NotEmpty(), Unique()]
    """Categories that are run, among those of the dataset."""
    trained: Annotated[tuple[Name, ...], Unique()]
    """Variants that are trained: entries of `variants`."""
    backbones: Annotated[tuple[Name, ...], NotEmpty(), Unique()]
    """Backbones that are run: entries of `features.backbones`, of which Table 1 shows the first."""
    seeds: Annotated[tuple[Seed, ...], NotEmpty(), Unique()]
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
    refine: Refine
    correspondence: Correspondence
    evaluation: Evaluation
    bootstrap: Bootstrap
    reconstruction: Reconstruction
    gallery: Gallery
    variants: Overlays
    """Changes of each variant to model, loss, training, refine and correspondence.

    A key `base` names another variant, whose changes are made first. A change to the sections themselves reaches every
    variant that does not set the same key.
    """
    tracking: Tracking
    resources: Resources


def load_params(path: Path = Path("params.yaml")) -> Params:
    """Read and check a parameter file.

    Raises:
        InputError: the file is missing or no YAML, or `parse_params` refuses what it holds.
    """
    if not path.is_file():
        raise InputError(f"{path}: no parameter file here. Run from the repository's root, or pass --root.")
    return parse_params(read_yaml(path, RESTORE), source=str(path))


def parse_params(content: Any, source: str = "params") -> Params:
    """Check nested mappings against `Params`, and what every variant and backbone makes of them.

    Args:
        content: the nested mappings; it may be anything.
        source: names `content` in errors.

    Raises:
        InputError: a key is unknown or missing, or its value is of the wrong type or out of range; or a name, a base
            or a backend does not fit.
    """
    params = parse_section(Params, content, source)
    params = dataclasses.replace(params, variants=with_bases(params.variants, source))
    _check_together(params, source)
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


def _check_together(params: Params, source: str) -> None:
    """Refuse parameters of different sections that contradict each other."""
    problems = (
        _name_problem(params),
        generation_problem(params.data, params.simulation),
        splits_problem(params.data),
        encoder_problem(params.model, params.features),
        template_problem(params.model, params.training),
    )
    for problem in filter(None, problems):
        raise InputError(f"{source}: {problem}")


def _name_problem(params: Params) -> str | None:
    """What is run must be defined, and each row of the tables has a name of its own."""
    for category in params.categories:
        try:
            check_category(category, params.data.reader)
        except InputError as error:
            return f"categories: {error}"
    for key, names, known in (
        ("trained", params.trained, params.variants),
        ("backbones", params.backbones, params.features.backbones),
        # Meshes are predicted by trained variants only.
        ("reconstruction.variants", params.reconstruction.variants, params.trained),
    ):
        for name in names:
            if name not in known:
                return f"unknown entry '{name}' of `{key}`. {nearest(name, known)}"
    if both := sorted({*params.trained} & {*params.evaluation.baselines}):
        return f"expected other names in `trained` than in evaluation.baselines, found '{both[0]}'. Rename the variant."
    return None


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
        InputError: a key that `params` lacks, or that no variant may change, or a value that is not valid.
    """
    for section in overlay:
        if section not in VARIED:
            raise InputError(f"{source}: a variant cannot change '{section}'. {nearest(section, VARIED)}")
    return _changed(params, overlay, source)


def vary_features(params: Params, overlay: Mapping[str, Any], source: str = "params") -> Params:
    """The parameters with the changes of a backbone to the section `features`.

    Raises:
        InputError: a key that `features` lacks, or a value that is not valid.
    """
    return _changed(params, {"features": overlay}, source)


def _changed(params: Params, overlay: Mapping[str, Any], source: str) -> Params:
    """The parameters with nested changes to some of their sections."""
    sections = {}
    for name, changes in overlay.items():
        section = getattr(params, name)
        content = merged({name: to_dict(section)}, {name: changes})[name]
        sections[name] = parse_section(type(section), content, source, name)
    changed = dataclasses.replace(params, **sections)
    _check_together(changed, source)
    return changed

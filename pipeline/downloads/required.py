"""Pretrained models that a set of parameters requires."""

from pipeline.config.cells import resolve_features
from pipeline.config.label_params import model_of
from pipeline.config.params import Params


def required_models(params: Params) -> tuple[str, ...]:
    """Names, as in downloads.yaml, of the models that the chosen label backends need, without duplicates."""
    features = [resolve_features(params, backbone).features for backbone in params.backbones]
    models = (model_of(section) for section in (params.masks, params.depth, params.poses, *features))
    return tuple(dict.fromkeys(model for model in models if model is not None))

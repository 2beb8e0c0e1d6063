"""The pretrained models that a set of parameters needs."""

from pipeline.cells import resolve_features
from pipeline.params import Params


def required_models(params: Params) -> tuple[str, ...]:
    """Names in downloads.yaml of the models behind the backends that are chosen, each once."""
    features = [resolve_features(params, backbone).features for backbone in params.backbones]
    chosen = [
        getattr(section, section.backend, None) for section in (params.masks, params.depth, params.poses, *features)
    ]
    # A backend without weights has no `model` among its parameters.
    return tuple(dict.fromkeys(settings.model for settings in chosen if hasattr(settings, "model")))

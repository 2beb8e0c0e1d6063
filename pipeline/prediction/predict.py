"""The pass over the photographs of a category that is made once: predictions in the pixels of each photograph."""

from collections.abc import Iterable

import torch

from pipeline.config.workspace import Workspace
from pipeline.labels.features import read_tokens
from pipeline.photographs.crops import square_crop
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import Prediction, Predictions
from pipeline.prediction.predictor import Predictor


def predict_category(
    predictor: Predictor, workspace: Workspace, backbone: str, instances: Iterable[Instance]
) -> Predictions:
    """The prediction of each instance from its patch tokens on disk.

    Raises:
        InputError: an instance has no tokens.
    """

    def predict(instance: Instance) -> Prediction:
        tokens = torch.from_numpy(read_tokens(workspace.tokens(backbone, instance)).tokens)
        prediction = predictor.predict(tokens)
        crop = square_crop(instance.box, predictor.view.margin)
        return prediction._replace(projection=prediction.projection.from_crop(crop))

    return Predictions(
        predictor.template.vertices,
        predictor.template.faces,
        predictor.positions,
        predictor.vertex_features,
        {instance.name: predict(instance) for instance in instances},
    )

"""Keypoints on the template: where most photographs put them."""

import numpy as np
import torch

from pipeline.exporting.template_keypoints import template_keypoints
from pipeline.prediction.predictions import Prediction, Predictions
from pipeline.prediction.projection import Projection


def _made(shift):
    """A flat grid of vertices, seen from the front at 10 pixels a unit; the pose of an image is off by `shift`."""
    y, x = torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij")
    template = torch.stack([x.ravel(), y.ravel(), torch.zeros(25)], 1)
    pixels = 10 * template[:, :2] + torch.tensor(shift)
    projection = Projection(pixels, torch.ones(25, dtype=torch.bool), torch.eye(3))
    empty = torch.zeros(4, 4, dtype=torch.bool)
    return template, Prediction(projection, template, torch.zeros(25, 3), empty, torch.full((2,), torch.nan))


def _predictions(*shifts):
    template = _made((0.0, 0.0))[0]
    faces = torch.tensor([[0, 1, 5]])
    images = {f"image{i}": _made(shift)[1] for i, shift in enumerate(shifts)}
    return Predictions(template, faces, template, torch.zeros(25, 2), images)


def test_a_keypoint_is_the_vertex_that_most_photographs_agree_on():
    predictions = _predictions((0.0, 0.0), (1.0, -1.0), (30.0, 30.0))
    annotated = {f"image{i}": {"nose": np.array([31.0, 19.0]), "tail": np.array([0.0, 0.0])} for i in range(3)}
    # Vertex 13 is at (3, 2), to which the first two photographs' nose belongs.
    assert template_keypoints(annotated, predictions) == {"nose": 13, "tail": 0}


def test_photographs_without_a_prediction_are_left_out():
    predictions = _predictions((0.0, 0.0))
    annotated = {"image0": {"nose": np.array([10.0, 10.0])}, "other": {"tail": np.array([0.0, 0.0])}}
    assert template_keypoints(annotated, predictions) == {"nose": 6}
    assert template_keypoints({}, predictions) == {}

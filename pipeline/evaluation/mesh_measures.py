"""Measures of a trained model beside its correspondences: pose error, silhouette, vertex drift, shape variation."""

from collections import defaultdict

import numpy as np
import pandas as pd

from pipeline.base.checksums import is_listed
from pipeline.base.errors import InputError
from pipeline.config.categories import symmetry_fold
from pipeline.config.workspace import Workspace
from pipeline.evaluation.drift import assign_keypoints, surface_variance, vertex_drift
from pipeline.evaluation.pose_error import PoseErrors, pose_errors
from pipeline.evaluation.result import MeshMeasures
from pipeline.evaluation.scoring import Matches
from pipeline.evaluation.shape_variation import shape_variation
from pipeline.evaluation.silhouette import mask_iou
from pipeline.labels.masks import read_mask_label
from pipeline.photographs.cameras import object_rotation
from pipeline.photographs.crops import sample_crop, square_crop
from pipeline.photographs.records import Instance, Viewpoint
from pipeline.prediction.predictions import Predictions


def measure_meshes(
    workspace: Workspace, category: str, matches: Matches | None, predictions: Predictions
) -> MeshMeasures:
    """Measure the predicted meshes of the images in the scored pairs, or of all evaluated images without matches.

    A measure for which there is nothing to compare with (no annotated viewpoint, no mask label, no keypoint that two
    images show, no second image) is None.
    """
    used = set(predictions.images) if matches is None else {*matches.points["source"], *matches.points["target"]}
    instances = [i for i in workspace.evaluation_instances(category) if i.name in used]
    viewed = {i.name: i.viewpoint for i in instances if i.viewpoint is not None}
    pose = _pose(category, viewed, predictions) if viewed else None
    return MeshMeasures(
        pose_images=len(viewed),
        pose_error=pose and pose.aligned.median,
        pose_error_raw=pose and pose.raw.median,
        pose_within_30=pose and pose.aligned.within_30,
        quarter_turns=pose.turn // 90 if pose else 0,
        mask_iou=_mask_iou(workspace, instances, predictions),
        drift=None if matches is None else _drift(matches.points, predictions),
        shape_variation=shape_variation(
            predictions.template.numpy(), [predictions.images[instance.name].deformed.numpy() for instance in instances]
        ),
    )


def _pose(category: str, views: dict[str, Viewpoint], predictions: Predictions) -> PoseErrors:
    annotated = np.stack([object_rotation(view.azimuth, view.elevation, view.theta) for view in views.values()])
    predicted = np.stack([predictions.images[name].projection.rotation.numpy() for name in views])
    return pose_errors(predicted, annotated, symmetry_fold(category))


def _mask_iou(workspace: Workspace, instances: list[Instance], predictions: Predictions) -> float | None:
    """Mean overlap over the images with a mask label, in the crop that the networks see."""
    overlaps = []
    for instance in instances:
        path = workspace.mask(instance)
        if is_listed(path):
            predicted = predictions.images[instance.name].silhouette.numpy()
            crop = square_crop(instance.box, workspace.params.data.crop_margin)
            label = sample_crop(read_mask_label(path).astype(np.uint8), crop, len(predicted), smooth=False) > 0
            overlaps.append(mask_iou(predicted, label))
    return float(np.mean(overlaps)) if overlaps else None


def _drift(points: pd.DataFrame, predictions: Predictions) -> float | None:
    """Vertex drift from the annotated keypoints of each image, which are the sources of its pairs."""
    annotated = points[["source", "keypoint", "source_x", "source_y"]].drop_duplicates(["source", "keypoint"])
    assigned: dict[str, list[np.ndarray]] = defaultdict(list)
    positions = predictions.positions.numpy()
    for name, rows in annotated.groupby("source"):
        keypoints = {row.keypoint: (row.source_x, row.source_y) for row in rows.itertuples()}
        for keypoint, vertex in assign_keypoints(predictions.images[name].projection, keypoints).items():
            assigned[keypoint].append(positions[vertex])
    total = surface_variance(predictions.template.numpy(), predictions.faces.numpy())
    try:
        return vertex_drift({keypoint: np.stack(places) for keypoint, places in assigned.items()}, total)
    except InputError:
        return None

"""The content of a category's page, from the files of a run."""

import base64
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import simplejpeg
from jaxtyping import UInt8
from tqdm import tqdm

from pipeline.base.errors import InputError
from pipeline.config.cells import Cell, resolve, resolve_features
from pipeline.config.workspace import Workspace
from pipeline.evaluation.pck import TABLE_ALPHA
from pipeline.evaluation.result import Metrics, read_metrics, threshold_name
from pipeline.gallery.answers import Answers, baseline_answers, model_answers
from pipeline.gallery.ceilings import category_ceilings
from pipeline.gallery.meshes import pack_meshes, template_projection, vertex_errors
from pipeline.gallery.packing import pack_range
from pipeline.gallery.pages import render_page
from pipeline.gallery.points import Points, annotated_keypoints, clickable, spread_out
from pipeline.labels.components.pca import Pca, read_pca
from pipeline.photographs.crops import Crop, sample_crop, square_crop
from pipeline.photographs.image_files import read_image
from pipeline.photographs.lists import read_pairs
from pipeline.photographs.records import Instance
from pipeline.prediction.predictions import Predictions, read_predictions
from pipeline.reporting.notes import SIMULATION
from pipeline.reporting.rows import KINDS, row_order, short_title, simulated

SIZE = 320
"""Side of a photograph's crop on the page in pixels."""
QUALITY = 85
"""Quality of its JPEG."""


class Shown(NamedTuple):
    """The photographs of a page, and the points on them."""

    instances: Sequence[Instance]
    crops: Sequence[Crop]
    points: Sequence[Points]

    @property
    def names(self) -> list[str]:
        return [instance.name for instance in self.instances]


def shown_rows(workspace: Workspace) -> list[str]:
    """Rows of Table 1 on the page: those of `gallery.rows` that are run, or all where none of them is."""
    params = workspace.params
    run = row_order([*params.trained, *params.evaluation.baselines])
    return [name for name in params.gallery.rows if name in run] or run


def category_page(workspace: Workspace, category: str) -> str:
    """The page of one category as HTML; equal files of the run give equal bytes.

    Raises:
        InputError: an input is missing or damaged.
    """
    content = category_content(workspace, category)
    return render_page(
        "category.html",
        ("theme.js", "category.js"),
        content,
        category=category,
        categories=workspace.params.categories,
        simulated=", ".join(content["simulated"]),
        explanation=SIMULATION,
        ceilings=content["ceilings"],
        annotated=any(photograph["keypoints"] for photograph in content["photographs"]),
    )


def category_content(workspace: Workspace, category: str) -> dict[str, Any]:
    """Photographs, clickable points, the answers of each row, and the meshes of each trained row.

    It is all from the first backbone and the first seed.

    Raises:
        InputError: an input is missing or damaged.
    """
    params = workspace.params
    backbone = params.backbones[0]
    rows = shown_rows(workspace)
    cells = {name: Cell(name, backbone, category, params.seeds[0]) for name in rows if name in params.trained}
    predictions = {name: read_predictions(workspace.predictions(cell)) for name, cell in cells.items()}
    shown = _shown(workspace, category, next(iter(predictions.values()), None))
    pca = read_pca(workspace.pca(backbone, category))
    packed = []
    for name in tqdm(rows, desc=f"gallery {category}", unit="row"):
        folder = workspace.evaluation(cells[name]) if name in cells else workspace.baselines(backbone, category)
        metrics = read_metrics(folder)
        if name in cells:
            own = Workspace(workspace.root, resolve(params, cells[name]))
            packed.append(_model_row(own, cells[name], metrics, shown, pca, predictions[name]))
        else:
            own = Workspace(workspace.root, resolve_features(params, backbone))
            answers = baseline_answers(own, backbone, name, shown.instances, shown.points, pca)
            packed.append(_row(name, metrics, name, answers, None))
    return {
        "category": category,
        "simulated": [kind for kind in KINDS if any(kind in row["simulated"] for row in packed)],
        "photographs": [_photograph(workspace, *one) for one in zip(*shown, strict=True)],
        "size": 1 / params.data.crop_margin,
        "alpha": TABLE_ALPHA,
        "points": pack_range(np.concatenate([one.places for one in shown.points]), -0.5, 1.5),
        "rows": packed,
        "ceilings": _ceilings(workspace, category, packed, predictions),
    }


def _ceilings(
    workspace: Workspace, category: str, packed: list[dict[str, Any]], predictions: dict[str, Predictions]
) -> list[dict[str, Any]]:
    """The ceilings of the trained rows, each beside what the row itself scores by projection."""
    titles = {row["title"]: row for row in packed if row["name"] in predictions}
    found = category_ceilings(workspace, category, {title: predictions[row["name"]] for title, row in titles.items()})
    return [
        {**one._asdict(), "learned": titles[one.poses]["projection"] if one.poses in titles else None} for one in found
    ]


def _shown(workspace: Workspace, category: str, predictions: Predictions | None) -> Shown:
    """The first photographs with keypoints, or without any where none are annotated, and the points on them."""
    params = workspace.params
    keypoints = annotated_keypoints(read_pairs(workspace.pairs(category)).pairs)
    instances = [
        instance
        for instance in workspace.evaluation_instances(category)
        if (instance.name in keypoints or not keypoints) and workspace.tokens(params.backbones[0], instance).is_file()
    ][: params.gallery.photographs]
    if not instances:
        raise InputError(f"{workspace.pairs(category)}: expected photographs with features, found none.")
    crops = [square_crop(instance.box, params.data.crop_margin) for instance in instances]
    vertices = np.zeros(0, np.int64)
    if predictions is not None:
        vertices = spread_out(predictions.template.double().numpy(), params.gallery.vertices)
    points = []
    for instance, crop in zip(instances, crops, strict=True):
        mesh = predictions and template_projection(predictions, instance.name, crop)
        points.append(clickable(keypoints.get(instance.name, {}), crop, mesh, vertices))
    return Shown(instances, crops, points)


def _model_row(
    workspace: Workspace, cell: Cell, metrics: Metrics, shown: Shown, pca: Pca, predictions: Predictions
) -> dict[str, Any]:
    answers = model_answers(workspace, cell, shown.instances, shown.points, pca, predictions)
    pairs = zip(shown.names, shown.crops, strict=True)
    projections = [template_projection(predictions, name, crop) for name, crop in pairs]
    errors = vertex_errors(predictions, shown.points, projections, answers, 1 / workspace.params.data.crop_margin)
    mesh = pack_meshes(predictions, shown.names, projections, errors)
    return _row(cell.variant, metrics, workspace.params.correspondence.reading, answers, mesh)


def _row(name: str, metrics: Metrics, method: str, answers: Answers, mesh: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "name": name,
        "title": short_title(name, metrics),
        "simulated": simulated(name, metrics),
        "pck": _score(metrics, method),
        "projection": _score(metrics, "projection"),
        "places": pack_range(answers.places, -0.5, 1.5),
        "probability": pack_range(answers.probability, 0, 1, bits=8),
        "mesh": mesh,
    }


def _score(metrics: Metrics, method: str) -> float | None:
    """PCK@0.1 by a method; None where it was not scored."""
    scores = metrics.pck.get(method)
    return scores[threshold_name(TABLE_ALPHA)].per_image if scores else None


def _photograph(workspace: Workspace, instance: Instance, crop: Crop, points: Points) -> dict[str, Any]:
    pixels = sample_crop(read_image(workspace.photograph(instance)), crop, SIZE)
    return {
        "name": instance.name,
        "jpeg": base64.b64encode(_jpeg(pixels)).decode("ascii"),
        "keypoints": points.keypoints,
        "points": len(points.places),
    }


def _jpeg(image: UInt8[np.ndarray, "H W 3"]) -> bytes:
    return simplejpeg.encode_jpeg(np.ascontiguousarray(image), quality=QUALITY)

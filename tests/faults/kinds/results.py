"""Scores, tables of matched points, loss curves and Chamfer distances."""

from pathlib import Path
from typing import Any

import numpy as np

from faults.kind import Kind, file_kind
from faults.kinds.signed import own


def scores(root: Path) -> None:
    """Files of an evaluated cell."""
    import pandas as pd

    from pipeline.base.files import write_json
    from pipeline.confidence.calibration import fit_calibration
    from pipeline.confidence.signs import Signs
    from pipeline.evaluation.pck import Pck
    from pipeline.evaluation.reliability import Reliability
    from pipeline.evaluation.result import (
        Backends,
        Evaluation,
        MeshMeasures,
        Metrics,
        Settings,
        Switches,
        Trained,
        write_evaluation,
    )
    from pipeline.reconstruction.result import ImageReconstruction, ReconstructionScores, write_reconstruction
    from pipeline.training.curve import CURVE_COLUMNS, write_curve

    settings = Settings("test", True, False, True, 0, Backends("sam", "depth", "poses", "features"))
    mesh = MeshMeasures(2, 10.0, 12.0, 0.5, 1, 0.8, 0.1, 0.2)
    metrics = Metrics(
        "car",
        "dinov2",
        settings,
        Trained("ours", 0, Switches(True, True, True, True, "search")),
        2,
        3,
        4,
        "0" * 64,
        {"a-b": "no mask"},
        {"ours": {"0.1": Pck(0.5, 0.6)}},
        {"ours": Reliability(0.05, 0.2, 0.7)},
        mesh,
    )
    columns = ("source_x", "source_y", "target_x", "target_y", "x", "y", "error", "box_side", "probability")
    texts = {"source": ["a", "a"], "target": ["b", "b"], "method": ["ours", "ours"], "keypoint": ["0", "1"]}
    points = pd.DataFrame({"pair": [0, 1], **texts, **{name: [1.0, 2.0] for name in columns}})
    rng = np.random.default_rng(0)
    signs = rng.normal(size=(20, len(Signs._fields)))
    calibration = fit_calibration(signs, signs[:, 0] + rng.normal(size=20) > 0)
    write_evaluation(root / "evaluation", Evaluation(metrics, points, {"ours": calibration} if calibration else {}))
    images = tuple(ImageReconstruction(name, 1, 3.0, 2.0, 2.0, 1) for name in "ab")
    rows = [[float(step), *[0.5] * (len(CURVE_COLUMNS) - 1)] for step in range(5)]
    write_curve(root / "model" / "curve.csv", rows)
    write_json(root / "model" / "model.json", {"config": {"a": 1, "b": [1.5]}, "identity": "0" * 64})
    write_reconstruction(root / "reconstruction", ReconstructionScores("ours", "dinov2", "car", 0, images, 0))


def _read_metrics(path: Path) -> Any:
    from pipeline.evaluation.result import read_metrics

    return read_metrics(path.parent)


def _read_points(path: Path) -> Any:
    from pipeline.evaluation.result import read_points

    return read_points(path.parent)


def _read_reconstruction(path: Path) -> Any:
    from pipeline.reconstruction.result import read_reconstruction

    return read_reconstruction(path.parent)


def _check_metrics(metrics: Any) -> None:
    for scores in metrics.pck.values():
        for score in scores.values():
            assert 0 <= score.per_image <= 1 and 0 <= score.per_point <= 1


def _check_points(points: Any) -> None:
    for column in ("x", "y", "error", "box_side"):
        assert np.issubdtype(points[column].dtype, np.floating)


def _read_calibrations(path: Path) -> Any:
    from pipeline.confidence.calibration import read_calibrations

    return read_calibrations(path)


def _check_calibrations(calibrations: Any) -> None:
    for calibration in calibrations.values():
        probability = calibration.probability(np.ones((1, len(calibration.mean))))
        assert 0 <= float(probability[0]) <= 1


def _check_distances(scores: Any) -> None:
    assert all(np.isfinite([image.rigid, image.similarity, image.best]).all() for image in scores.images)


def _read_curve(path: Path) -> Any:
    from pipeline.tracking.reading import read_curve

    return read_curve(path)


def _read_description(path: Path) -> Any:
    from pipeline.tracking.reading import read_description

    return read_description(path)


KINDS: tuple[Kind, ...] = (
    *own("scores", scores, "evaluation/metrics.json", _read_metrics, "json", _check_metrics),
    *own("matched points", scores, "evaluation/pairs.parquet", _read_points, check=_check_points),
    *own("calibration", scores, "evaluation/calibration.json", _read_calibrations, "json", _check_calibrations),
    *own("Chamfer distances", scores, "reconstruction/metrics.json", _read_reconstruction, "json", _check_distances),
    file_kind("loss curve, for MLflow", scores, "model/curve.csv", _read_curve, "text"),
    file_kind("model description, for MLflow", scores, "model/model.json", _read_description, "json"),
)

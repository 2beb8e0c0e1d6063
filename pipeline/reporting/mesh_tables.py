"""Tables of what is measured of the meshes beside their correspondences, and the notes that explain the measures."""

from collections.abc import Callable

from pipeline.evaluation.result import MeshMeasures
from pipeline.reporting.results import Results, RowScores, by_category, title_of, trained_rows
from pipeline.reporting.table import Grid, average_title, category_row

MEASURES: tuple[tuple[str, str, Callable[[MeshMeasures], float | None]], ...] = (
    ("Pose error (median geodesic error in degrees)", "pose_error", lambda mesh: mesh.pose_error),
    ("Pose error within 30 degrees (% of images)", "pose_within_30", lambda mesh: _percent(mesh.pose_within_30)),
    ("Mask IoU (%)", "mask_iou", lambda mesh: _percent(mesh.mask_iou)),
    ("Vertex drift (%)", "drift", lambda mesh: _percent(mesh.drift)),
    ("Shape variation (% of the template's diagonal)", "shape_variation", lambda mesh: _percent(mesh.shape_variation)),
)
"""Title, key and value of each measure."""


def mesh_measure(row: RowScores, value: Callable[[MeshMeasures], float | None]) -> dict[str, list[float]]:
    """One measure of the meshes by category, one number for each seed; categories that lack it are left out."""
    return by_category(row, lambda metrics, _: None if metrics.mesh is None else value(metrics.mesh))


def mesh_tables(results: Results) -> list[Grid]:
    """A table for each measure, and one of the share of pairs that could be evaluated."""
    measures: list[tuple[str, Callable[[RowScores], dict[str, list[float]]]]] = [
        *((title, lambda row, value=value: mesh_measure(row, value)) for title, _, value in MEASURES),
        ("Pairs evaluated (% of those listed)", _evaluated),
    ]
    grids = []
    for title, measure in measures:
        numbers = {name: measure(row) for name, row in trained_rows(results).items()}
        rows = tuple(category_row(title_of(results, name), found) for name, found in numbers.items() if found)
        if rows:
            grids.append(Grid(title, results.categories, rows, average_title(results.categories)))
    return grids


def mesh_notes(results: Results) -> list[str]:
    """Explanations of the measures; none where no model was trained."""
    if not trained_rows(results):
        return []
    return [
        "Pose errors are measured after one quarter turn about the up axis for each model, the one with the lowest "
        "median: a model without pose labels calls any side its front.",
        "Vertex drift: variance on the template of the vertices that the images assign to one keypoint, relative to "
        "that of random points of its surface, mean over keypoints. 0: always the same vertex; 100: no information.",
        "Shape variation: root mean square distance of a vertex to its mean over the instances. 0: all have one shape.",
        "Mask IoU is measured against the mask labels.",
    ]


def _evaluated(row: RowScores) -> dict[str, list[float]]:
    return {
        category: [100 * one.metrics.pairs / one.metrics.pairs_listed for one in scored]
        for category, scored in row.items()
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100 * share

"""Tables of the categories of which nobody has annotated keypoints, as photographs of one's own."""

from collections.abc import Callable

from pipeline.evaluation.consistency import Consistency
from pipeline.reporting.mesh_tables import MEASURES, mesh_measure
from pipeline.reporting.results import Results, RowScores, by_category, first_metrics
from pipeline.reporting.rows import row_title
from pipeline.reporting.table import Grid, Table, average_title, category_row

CONSISTENCY: tuple[tuple[str, str, Callable[[Consistency], float]], ...] = (
    ("Matches that find back (% within 0.1 of the box)", "returned", lambda found: 100 * found.returned),
    ("Where they come back (median, % of the box)", "return_distance", lambda found: 100 * found.distance),
    ("Agreement of features at both ends (mean cosine, %)", "agreement", lambda found: 100 * found.agreement),
)
"""Title, key and value of what is measured of matches."""
NOTES = (
    "No keypoints are annotated, so that nothing says how many matches are right.",
    "Points on the mask of each held-out photograph are looked for in others, and what is found there in the first "
    "one again. A match that does not find back is wrong, or its way back is; one that does need not be right: a "
    "method that answers nonsense, but the same nonsense both ways, finds back.",
    "Nearest neighbours choose the features that agree most, so that their agreement is the highest by construction.",
    "Mask IoU compares the predicted silhouettes of held-out photographs with their mask labels.",
)


def unannotated_table(results: Results) -> Table | None:
    """What takes the place of Table 1 for the categories without keypoints; None where there are none."""
    if not results.unannotated:
        return None
    main, *details = [*_consistency(results), *_meshes(results)]
    return Table(main, (), NOTES, tuple(details))


def _consistency(results: Results) -> list[Grid]:
    return [_grid(f"{title}, without keypoints", results, _measure(value)) for title, _, value in CONSISTENCY]


def _measure(value: Callable[[Consistency], float]) -> Callable[[RowScores], dict[str, list[float]]]:
    return lambda row: by_category(row, lambda metrics, method: value(metrics.consistency[method]))


def _meshes(results: Results) -> list[Grid]:
    grids = (_grid(title, results, lambda row, value=value: mesh_measure(row, value)) for title, _, value in MEASURES)
    return [grid for grid in grids if grid.rows]


def _grid(title: str, results: Results, measure: Callable[[RowScores], dict[str, list[float]]]) -> Grid:
    categories = results.unannotated_categories
    found = {row_title(name, first_metrics(row)): measure(row) for name, row in results.unannotated.items()}
    rows = tuple(category_row(row, values) for row, values in found.items() if values)
    return Grid(title, categories, rows, average_title(categories))

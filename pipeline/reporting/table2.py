"""Table 2 of the paper: Chamfer distance of predicted meshes to CAD models."""

from collections.abc import Callable

from pipeline.config.params import Bootstrap
from pipeline.reconstruction.result import ImageReconstruction
from pipeline.reporting.differences import chamfer_difference
from pipeline.reporting.notes import coverage_notes, interval_note, warnings_of
from pipeline.reporting.results import Results, RowReconstructions, title_of
from pipeline.reporting.rows import REFERENCE, beyond_paper
from pipeline.reporting.table import Grid, Table, average_title, category_row, table_columns

TITLES = {"mp": "MagicPony"}
"""Rows that Table 2 of the paper calls otherwise than Table 1."""


def build_table2(results: Results, bootstrap: Bootstrap) -> Table | None:
    """The table, and the same with other alignments; None where no variant was compared with CAD models."""
    scores = results.reconstruction
    if not scores:
        return None
    title = "Table 2: normalised Chamfer distance x 100"
    main = _grid(results, title, lambda image: image.similarity)
    main = main._replace(columns=table_columns(results.categories))
    if REFERENCE in scores and len(scores) > 1:
        rows = [
            row
            if name == REFERENCE
            else row._replace(difference=chamfer_difference(compared, scores[REFERENCE], bootstrap))
            for (name, compared), row in zip(scores.items(), main.rows, strict=True)
        ]
        main = main._replace(rows=tuple(rows), difference=f"− {_title(results, REFERENCE)}")
    details = (
        _grid(results, "Rigid: the bounding boxes' diagonals agree", lambda image: image.rigid),
        _grid(results, "To the nearest CAD model of the category", lambda image: image.best),
    )
    counts = {category: len(seeds[0].images) for category, seeds in next(iter(scores.values())).items()}
    notes = [
        "Lower is better. Each predicted mesh is aligned by ICP with the CAD model that PASCAL3D+ annotates for its "
        "image (a similarity; the best of four quarter turns about the vertical); half the sum of the two mean nearest "
        "distances between sampled surface points, divided by the diagonal of the CAD model's bounding box.",
        f"Images: {', '.join(f'{category} {count}' for category, count in counts.items())}.",
        *coverage_notes(results),
    ]
    if main.difference:
        notes.append(interval_note(bootstrap))
    return Table(main, warnings_of(results), tuple(notes), details)


def chamfer_by_category(
    row: RowReconstructions, value: Callable[[ImageReconstruction], float]
) -> dict[str, list[float]]:
    """Mean over the images of a category, one number for each seed."""
    return {
        category: [sum(value(image) for image in one.images) / len(one.images) for one in seeds]
        for category, seeds in row.items()
    }


def _grid(results: Results, title: str, value: Callable[[ImageReconstruction], float]) -> Grid:
    rows = tuple(
        category_row(_title(results, name), chamfer_by_category(row, value), beyond=beyond_paper(name))
        for name, row in results.reconstruction.items()
    )
    return Grid(title, results.categories, rows, average_title(results.categories), digits=2)


def _title(results: Results, name: str) -> str:
    title = title_of(results, name)
    return title.replace("MP", TITLES[name]) if name in TITLES else title

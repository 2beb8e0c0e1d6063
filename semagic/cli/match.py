"""`semagic match`: points of one photograph, found in another."""

import csv
import io
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.base.errors import InputError
from semagic.cli.models import Model, Weights, model_folder
from semagic.cli.numbers import parse_box, parse_points
from semagic.cli.options import Root

if TYPE_CHECKING:
    from semagic.results import Matches

COLUMNS = ("x_a", "y_a", "x_b", "y_b", "visible", "similarity", "probability")


def match(
    model: Model,
    a: Annotated[Path, typer.Argument(metavar="A", help="Photograph with the points.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Photograph in which they are looked for.")],
    points: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y", help="A point in pixels of A; repeat it.", show_default="a grid over the object"),
    ] = None,
    box_a: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Box of the object in A.", show_default="found")
    ] = None,
    box_b: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Box of the object in B.", show_default="found")
    ] = None,
    reading: Annotated[
        str | None,
        typer.Option(help="projection, search or guided.", show_default="that of the model"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="Where the files go.", show_default="matches/A-B")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the matches as JSON.")] = False,
    weights: Weights = None,
    root: Root = Path(),
) -> None:
    """Find points of a photograph in another one.

    Writes matches.jpg, a picture with a line for each match, from red (improbable) to green, and matches.csv. Pixels
    are those of the photograph as people see it, turned as its camera's mark says; (0, 0) is the top left corner.
    """
    places = parse_points(points or [])
    boxes = [parse_box(text, option) for text, option in ((box_a, "--box-a"), (box_b, "--box-b"))]
    folder = model_folder(model, root)
    # Only now what is slow to import, so that a mistake is told at once.
    import numpy as np

    from pipeline.base.files import make_folder, write_text
    from pipeline.photographs.image_files import write_image
    from pipeline.photographs.upright import read_upright
    from pipeline.pictures.answers import draw_matched
    from semagic import CategoryModel
    from semagic.covering import grid_points

    image_a, image_b = read_upright(a), read_upright(b)
    trained = CategoryModel.load(folder, weights=weights)
    found = [box or trained.find_box(path) for path, box in zip((a, b), boxes, strict=True)]
    photo_a, photo_b = (trained.prepare(path, box) for path, box in zip((a, b), found, strict=True))
    queries = np.array(places, dtype=np.float64) if places else grid_points(photo_a)
    _check_inside(queries, image_a.shape, a)
    matches = trained.match(photo_a, photo_b, queries, reading)
    target = to or Path("matches") / f"{a.stem}-{b.stem}"
    make_folder(target)
    write_text(target / "matches.csv", _table(queries, matches))
    write_image(target / "matches.jpg", draw_matched(image_a, image_b, queries, matches.points, matches.probability))
    if as_json:
        print(json.dumps(_content(trained.cell.name, (a, b), found, queries, matches), indent=2))
    else:
        known = matches.probability[np.isfinite(matches.probability)]
        trust = f", {(known >= 0.5).sum()} of them rather right than wrong" if known.size else ""
        print(f"match {trained.cell.name}: {len(queries)} points{trust} -> {target}")


def _check_inside(points: Any, shape: Sequence[int], path: Path) -> None:
    height, width = shape[:2]
    for x, y in points:
        if not (0 <= x <= width and 0 <= y <= height):
            raise InputError(
                f"--points: expected places in {path}, which has {width} x {height} pixels, found ({x:g}, {y:g})."
            )


def _rows(queries: Any, matches: "Matches") -> list[tuple[float, ...]]:
    columns = (*queries.T, *matches.points.T, matches.visible, matches.similarity, matches.probability)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _table(queries: Any, matches: "Matches") -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(
        [*(f"{place:.2f}" for place in row[:4]), int(row[4]), f"{row[5]:.4f}", f"{row[6]:.4f}"]
        for row in _rows(queries, matches)
    )
    return text.getvalue()


def _content(
    cell: str, paths: Sequence[Path], boxes: Sequence[Sequence[float]], queries: Any, matches: "Matches"
) -> dict[str, Any]:
    """The matches as JSON has them, which knows no NaN."""
    rows: list[dict[str, Any]] = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in row.items()}
        for row in (dict(zip(COLUMNS, row, strict=True)) for row in _rows(queries, matches))
    ]
    photographs = [{"path": str(path), "box": list(box)} for path, box in zip(paths, boxes, strict=True)]
    return {"model": cell, "a": photographs[0], "b": photographs[1], "matches": rows}

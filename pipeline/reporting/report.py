"""All files of the report, from the files of the evaluation."""

from pipeline.errors import InputError
from pipeline.evaluation.result import read_metrics
from pipeline.files import write_bytes, write_json, write_text
from pipeline.layout import Layout
from pipeline.reporting.formats import to_csv, to_latex, to_markdown
from pipeline.reporting.metrics import summarise
from pipeline.reporting.table import Table, build_table


def write_report(layout: Layout) -> Table:
    """Write `table1.md`, `.csv` and `.tex`, `metrics.json` and `figures/<category>_pairs.png` into the reports.

    Equal scores give equal bytes.

    Raises:
        InputError: a category has not been evaluated, or they were evaluated with different parameters.
    """
    scores = [read_metrics(layout.evaluation(category)) for category in layout.params.categories]
    table = build_table(scores)
    for suffix, render in (("md", to_markdown), ("csv", to_csv), ("tex", to_latex)):
        write_text(layout.reports / f"table1.{suffix}", render(table))
    write_json(layout.reports / "metrics.json", summarise(scores))
    for category in layout.params.categories:
        picture = layout.evaluation(category) / "pairs.png"
        if not picture.is_file():
            raise InputError(f"{picture}: expected a picture of matched pairs, found none. Run the stage `evaluate`.")
        write_bytes(layout.reports / "figures" / f"{category}_pairs.png", picture.read_bytes())
    return table

"""All files of the report, from the files of the evaluation."""

import json

from pipeline.base.files import write_text
from pipeline.config.workspace import Workspace
from pipeline.reporting.claims import judge_claims
from pipeline.reporting.figures import write_figures
from pipeline.reporting.formats import to_csv, to_latex, to_markdown
from pipeline.reporting.results import read_results
from pipeline.reporting.summary import summarise
from pipeline.reporting.table import Table
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.table2 import build_table2
from pipeline.reporting.unannotated import unannotated_table
from pipeline.reporting.versus_paper import versus_paper1, versus_paper2


def write_report(workspace: Workspace) -> list[Table]:
    """Write both tables, their comparison with the paper, `metrics.json` and the figures into the reports.

    Equal scores give equal bytes. Without variants to compare with CAD models Table 2 says so.

    Returns:
        The tables that there are.

    Raises:
        InputError: a cell has not been evaluated, or cells were evaluated with different parameters.
    """
    params, reports = workspace.params, workspace.reports
    results = read_results(workspace)
    claims = judge_claims(results, params.bootstrap)
    table1 = build_table1(results, params.bootstrap) if results.rows else None
    table2 = build_table2(results, params.bootstrap) if results.rows else None
    bare = unannotated_table(results)
    if table1 and bare:
        table1 = table1._replace(details=(*table1.details, bare.main, *bare.details))
    first = table1 or bare
    assert first is not None, "read_results refuses a run without any row"
    _write_table(workspace, "table1", first)
    versus = versus_paper1(table1, results, claims) if table1 else "# Not compared: no keypoints are annotated.\n"
    write_text(reports / "table1_vs_paper.md", versus)
    if table2 is None:
        for name in ("table2.md", "table2.csv", "table2.tex", "table2_vs_paper.md"):
            write_text(
                reports / name, f"{'%' if name.endswith('tex') else '#'} Not run: reconstruction.variants is empty.\n"
            )
    else:
        _write_table(workspace, "table2", table2)
        write_text(reports / "table2_vs_paper.md", versus_paper2(table2, results, claims))
    # In the order of the summary, which DVC keeps.
    write_text(reports / "metrics.json", json.dumps(summarise(results), indent=2, allow_nan=False) + "\n")
    write_figures(workspace, results)
    return [table for table in (first, table2) if table is not None]


def _write_table(workspace: Workspace, name: str, table: Table) -> None:
    for suffix, render in (("md", to_markdown), ("csv", to_csv), ("tex", to_latex)):
        write_text(workspace.reports / f"{name}.{suffix}", render(table))

"""What the run of a whole experiment says of it: averages of all rows, verdicts of the claims, and how to go on."""

from typing import NamedTuple

from pipeline.base.text_files import read_text
from pipeline.config.cells import all_cells
from pipeline.config.workspace import Workspace
from pipeline.tracking.reading import REMEDY, read_json

COLUMNS = {"pck10": "PCK@0.1 [%]", "pose_error": "pose error [degrees]", "chamfer": "Chamfer x 100"}
"""Measures of the description, by their names in reports/metrics.json."""


SHOWN = (*COLUMNS, "mask_iou", "drift", "returned", "agreement")
"""Measures that become metrics of the parent run; MLflow's charts and columns hold so many."""
CLAIMS = "## The paper's claims"
"""Heading of the section of reports/table1_vs_paper.md and table2_vs_paper.md that has the verdicts."""


class ExperimentSummary(NamedTuple):
    """Metrics and description of the parent run, as text and numbers that can be sent to another process."""

    values: dict[str, float]
    """Averages over the categories by '<measure>/<row>'."""
    description: str
    """Markdown."""


def summarise_experiment(workspace: Workspace) -> ExperimentSummary:
    """The summary of the experiment in a workspace, from its report.

    Raises:
        InputError: the report is missing or damaged.
    """
    report = read_json(workspace.reports / "metrics.json")
    values = {}
    for name, value in report.items():
        row, _, rest = name.partition("/")
        scope, _, measure = rest.partition("/")
        if scope == "avg" and measure in SHOWN and isinstance(value, int | float):
            values[f"{measure}/{row}"] = float(value)
    return ExperimentSummary(values, _description(workspace, values))


def _description(workspace: Workspace, values: dict[str, float]) -> str:
    params = workspace.params
    trainings = sum(1 for _ in all_cells(params))
    data = "simulated data (the embedded benchmark)" if params.data.generate else f"the data of `{params.data.reader}`"
    seeds = ", ".join(map(str, params.seeds))
    categories = ", ".join(params.categories)
    lines = [
        f"**{trainings} trainings** on {data}: {len(params.trained)} variants x {categories} x seed {seeds}, "
        f"features {', '.join(params.backbones)}.",
        "",
        *_table(values),
        *_claims(workspace),
        "",
        "`index.html` among the artifacts shows both tables, claims and curves; `pages/` has a page for each category. "
        "In a checkout `semagic show` opens them.",
        "",
        "Go on: `dvc exp run -S loss.feat_cons=0`, then compare the two experiments here by `pck10/ours`. "
        "The runs below have the tags `kind`, `variant`, `backbone`, `category` and `seed`.",
    ]
    return "\n".join(lines) + "\n"


def _claims(workspace: Workspace) -> list[str]:
    """The verdicts on the paper's claims, as the report words them."""
    found = []
    for name in ("table1_vs_paper.md", "table2_vs_paper.md"):
        path = workspace.reports / name
        text = read_text(path, REMEDY) if path.is_file() else ""
        section = text.partition(CLAIMS)[2].partition("\n## ")[0]
        rows = [line for line in section.splitlines() if line.startswith("|")]
        found += rows if not found else rows[2:]
    return ["", *found] if found else []


def _table(values: dict[str, float]) -> list[str]:
    rows = list(dict.fromkeys(name.split("/", 1)[1] for name in values))
    used = {key: title for key, title in COLUMNS.items() if any(f"{key}/{row}" in values for row in rows)}
    if not used:
        return []
    lines = [f"| row | {' | '.join(used.values())} |", f"|---|{'---:|' * len(used)}"]
    for row in rows:
        cells = (values.get(f"{key}/{row}") for key in used)
        lines.append(f"| {row} | {' | '.join('' if cell is None else f'{cell:.1f}' for cell in cells)} |")
    return lines

"""What tables say of the trainings behind them."""

import dataclasses
import json

from pipeline.base.checksums import write_checksums
from pipeline.config.cells import all_cells
from pipeline.config.params import load_params
from pipeline.config.workspace import Workspace
from pipeline.reporting.formats import to_latex, to_markdown
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.trainings import read_trainings
from support.made_scores import make_results
from support.paths import ROOT

PARAMS = load_params(ROOT / "params.yaml")
SIX = dataclasses.replace(PARAMS, trained=("ours", "mp"), backbones=("dinov2",), categories=("car", "bus", "chair"))


def describe(folder, machines):
    """Write the descriptions of the models of six cells, of which the last have no machines; returns the notes."""
    workspace = Workspace(folder, dataclasses.replace(SIX, seeds=(0,)))
    for i, cell in enumerate(all_cells(workspace.params)):
        path = workspace.model(cell) / "model.json"
        path.parent.mkdir(parents=True)
        content = {"machines": machines[i]} if i < len(machines) else {}
        path.write_text(json.dumps(content))
        write_checksums(path.parent)
    return read_trainings(workspace)


def test_machines_of_one_kind_are_not_mentioned(tmp_path):
    assert describe(tmp_path, [["A"]] * 6) == ((), "")
    assert read_trainings(Workspace(tmp_path / "empty", SIX)) == ((), "")


def test_machines_of_different_kinds_are_on_the_table_s_face(tmp_path):
    found = describe(tmp_path, [["B"]] * 4 + [["A", "B"]])
    names = [cell.name for cell in all_cells(dataclasses.replace(SIX, seeds=(0,)))]
    assert f"A, then B ({names[4]}); B (4 trainings); unknown ({names[5]})." in found.machines
    table = build_table1(make_results({"ours": 0.5})._replace(trainings=found), PARAMS.bootstrap)
    page = to_markdown(table)
    assert f"> **{found.machines}**" in page[: page.index("| method |")]
    assert "unknown" in to_latex(table)

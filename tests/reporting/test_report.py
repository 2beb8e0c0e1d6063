"""The report from the files of an evaluation, and what it says when some are missing."""

import json
import math

import pytest

from pipeline.base.checksums import write_checksums
from pipeline.base.errors import InputError
from pipeline.config.cells import Cell, resolve
from pipeline.config.params import load_params
from pipeline.config.workspace import Workspace
from pipeline.evaluation.evaluate import switches_of
from pipeline.reporting.report import write_report
from pipeline.reporting.rows import BEYOND_ROWS, PAPER_ROWS
from pipeline.reporting.summary import FIRST, summarise
from support.finished_run import finished_run
from support.made_scores import CHAMFER, FOUR, make_results
from support.paths import ROOT
from support.scored_world import BACKBONE, CATEGORY, CELL


def test_every_variant_that_is_shipped_switches_what_its_row_says():
    params = load_params(ROOT / "params.yaml")
    for name, row in (PAPER_ROWS | BEYOND_ROWS).items():
        assert switches_of(resolve(params, Cell(name, BACKBONE, "car", 0))) == row.switches


def test_summary_is_flat():
    summary = summarise(make_results(FOUR, chamfer=CHAMFER))
    assert summary["ours/avg/pck10"] == pytest.approx((summary["ours/car/pck10"] + summary["ours/chair/pck10"]) / 2)
    assert summary["ours/avg/pck05_per_point"] == 20
    assert summary["mp/avg/drift"] == 25
    assert summary["mp/avg/chamfer"] == pytest.approx(8, abs=0.1)
    assert summary["chair/pairs"] == 56
    assert all(isinstance(value, int | float) and math.isfinite(value) for value in summary.values())


@pytest.fixture
def finished(tmp_path) -> Workspace:
    return finished_run(tmp_path)


def report_bytes(workspace: Workspace) -> dict[str, bytes]:
    write_report(workspace)
    return {path.name: path.read_bytes() for path in workspace.reports.rglob("*") if path.is_file()}


def test_report_from_the_files_of_an_evaluation(finished):
    first = report_bytes(finished)
    tables = {
        f"{table}{suffix}" for table in ("table1", "table2") for suffix in (".md", ".csv", ".tex", "_vs_paper.md")
    }
    figures = {"pck_alpha.png", *(f"{CATEGORY}_{kind}.png" for kind in ("pairs", "identity", "losses"))}
    assert set(first) == tables | figures | {"metrics.json", "pck_alpha.csv"}
    assert json.loads(first["metrics.json"])["ours/car/pck10"] >= 99
    assert b"Not run" in first["table2.md"]
    assert report_bytes(finished) == first


def test_a_training_that_went_back_is_named_under_the_table(finished):
    folder = finished.model(CELL)
    setback = {"step": 7, "back_to": 6, "reason": "not finite: the term mask", "images": ["a"]}
    for content, count in ((None, 0), (setback, 1)):
        (folder / "model.json").write_text(json.dumps({"setback": content}))
        write_checksums(folder)
        note = f"The training {CELL.name} went back once: step 7 failed (not finite: the term mask)"
        assert report_bytes(finished)["table1.md"].decode().count(note) == count


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (lambda workspace: workspace.evaluation(CELL) / "metrics.json", r"metrics\.json.*`evaluate`"),
        (lambda workspace: workspace.baselines(BACKBONE, CATEGORY) / "pairs.parquet", r"pairs\.parquet.*`baselines`"),
        (lambda workspace: workspace.model(CELL) / "curve.csv", r"curve\.csv.*`train`"),
        (lambda workspace: workspace.predictions(CELL) / "sheet.png", r"sheet\.png"),
    ],
)
def test_what_is_missing_is_named(finished, missing, message):
    missing(finished).unlink()
    with pytest.raises(InputError, match=message):
        write_report(finished)


def test_scores_of_different_settings_are_not_mixed(finished):
    path = finished.baselines(BACKBONE, CATEGORY) / "metrics.json"
    content = json.loads(path.read_text())
    content["settings"]["split"] = "val"
    path.write_text(json.dumps(content))
    write_checksums(path.parent)
    with pytest.raises(InputError, match="'car' stem from different parameters"):
        write_report(finished)


def test_what_matters_comes_first_in_the_summary(finished):
    write_report(finished)
    names = list(json.loads((finished.reports / "metrics.json").read_text()))
    assert names[0].endswith("/avg/pck10") and names.index("ours/avg/pck10") < names.index("ours/car/pck10")
    important = [name.rsplit("/", 1)[1] in FIRST for name in names]
    assert important == sorted(important, reverse=True) and not important[-1]

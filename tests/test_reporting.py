"""Table, summary and pictures, from scores made by hand."""

import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
from scored_world import CATEGORY, write_world
from tiny import tiny_params

from pipeline.categories import CATEGORIES
from pipeline.data.instances import read_instances
from pipeline.errors import InputError
from pipeline.evaluation.evaluate import evaluate, settings_of
from pipeline.evaluation.pck import Pck
from pipeline.evaluation.result import Backends, Metrics, write_evaluation
from pipeline.images import read_image, write_image
from pipeline.layout import Layout
from pipeline.reporting.formats import to_csv, to_latex, to_markdown
from pipeline.reporting.metrics import summarise
from pipeline.reporting.pictures import GAP, GREEN, RED, draw_matches, draw_pairs
from pipeline.reporting.report import write_report
from pipeline.reporting.rows import row_name
from pipeline.reporting.table import build_table

PAPER = Path(__file__).resolve().parents[2] / "shared/paper/table1.csv"
SETTINGS = settings_of(tiny_params(benchmark__seed=5))
REAL = dataclasses.replace(SETTINGS, backends=Backends("sam", "depth_anything", "orient_anything", "dinov2"))


def make_metrics(category="car", ours=0.5, settings=SETTINGS, methods=("ours", "ours_no_search", "nearest_neighbour")):
    pck = {m: {"0.05": Pck(0.1, 0.2), "0.1": Pck(ours if m == "ours" else 0.25, 0.75)} for m in methods}
    return Metrics(category, settings, 40, 300, "ab" * 32, {"x-y": "gone"}, pck)


def read_csv(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_the_paper_columns_and_empty_cells_for_what_was_not_run():
    rows = read_csv(to_csv(build_table([make_metrics("aeroplane", 0.3), make_metrics("car", 0.5)])))
    assert list(rows[0]) == ["method", *CATEGORIES, "avg"]
    ours = rows[-1]
    assert (ours["aeroplane"], ours["car"], ours["avg"]) == ("30.0", "50.0", "40.0")
    assert all(ours[name] == "" for name in CATEGORIES if name not in ("aeroplane", "car"))
    if PAPER.is_file():
        assert list(rows[0]) == PAPER.read_text().splitlines()[0].split(",")


def test_simulated_labels_are_named_in_every_format():
    table = build_table([make_metrics()])
    assert "Simulated: masks, depth, poses, features" in to_markdown(table)
    assert "Simulated: masks, depth, poses, features" in to_latex(table)
    assert [row["method"] for row in read_csv(to_csv(table))] == ["DINOv2 (simulated)", "Ours (simulated)"]


def test_nothing_is_called_simulated_that_is_not():
    table = build_table([make_metrics(settings=REAL)])
    assert [row.name for row in table.rows] == ["DINOv2", "Ours"]
    assert not any("imulated" in render(table) for render in (to_csv, to_markdown, to_latex))
    # Only what a row rests on counts: no model and so neither depth nor poses.
    photos = dataclasses.replace(SETTINGS, backends=Backends("grabcut", "benchmark", "benchmark", "sift"))
    table = build_table([make_metrics(settings=photos, methods=("nearest_neighbour",))])
    assert table.rows[0].name == "SIFT"
    assert table.warning == ""


def test_markdown_states_split_seeds_pairs_and_what_the_average_covers():
    text = to_markdown(build_table([make_metrics("car"), make_metrics("chair")]))
    for expected in (
        "split 'test'",
        "training seed 0",
        "benchmark seed 5",
        "chair 40 (abababab)",
        "2 more",
        "avg of 2",
    ):
        assert expected in text
    assert "not run: aeroplane, bicycle" in text
    assert "Ours w/o search (simulated)" in text


def test_average_over_all_ten_categories_is_the_plain_one():
    scores = [make_metrics(name, i / 10) for i, name in enumerate(CATEGORIES)]
    table = build_table(scores)
    assert table.average_title == "avg"
    assert table.rows[-1].average == pytest.approx(45)
    assert "not run" not in to_markdown(table)


def test_latex_is_a_booktabs_table_with_escapes():
    text = to_latex(build_table([make_metrics()]))
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == len(CATEGORIES) + 1 for line in body)
    assert "%" not in text.replace(r"\%", "")


@pytest.mark.parametrize(
    ("switches", "name"),
    [
        ((True, True, True, True, True), "Ours"),
        ((True, True, True, True, False), "Ours w/o search"),
        ((True, True, False, True, True), "w/o ind. emb."),
        ((True, True, True, False, True), "w/o feat. cons."),
        ((True, True, False, False, True), "w/o 3.2 (both)"),
        ((False, True, True, True, True), "w/o depth"),
        ((True, False, True, True, True), "w/o pose"),
        ((True, True, False, False, False), "MP + Pose"),
        ((True, False, False, False, False), "MP + Depth"),
        ((False, False, False, False, False), "MP"),
        ((False, False, False, False, True), "MP with search"),
        ((False, False, True, True, True), "Ours (variant)"),
    ],
)
def test_an_ablation_is_never_called_ours(switches, name):
    settings = dataclasses.replace(REAL, switches=type(REAL.switches)(*switches))
    assert row_name("ours", settings) == name


def test_summary_is_flat_with_percentages():
    summary = summarise([make_metrics("car", 0.5), make_metrics("chair", 0.25)])
    assert summary["ours/car/pck10"] == 50
    assert summary["ours/avg/pck10"] == 37.5
    assert summary["ours/avg/pck05_per_point"] == 20
    assert summary["chair/pairs"] == 40
    assert all(isinstance(value, int | float) for value in summary.values())


def test_scores_of_different_runs_are_not_mixed():
    other = dataclasses.replace(SETTINGS, training_seed=1)
    with pytest.raises(InputError, match=r"'car' and 'chair'.*dvc repro"):
        build_table([make_metrics("car"), make_metrics("chair", settings=other)])
    with pytest.raises(InputError, match="`categories` is empty"):
        build_table([])
    lacking = dataclasses.replace(make_metrics(), pck={"ours": {"0.2": Pck(1.0, 1.0)}})
    with pytest.raises(InputError, match=r"evaluation\.alphas lacks 0\.1"):
        build_table([lacking])


def test_lines_are_green_where_correct_and_red_where_wrong():
    grey = np.full((100, 100, 3), 128, np.uint8)
    start, end = np.array([[0.5, 0.25], [0.5, 0.75]]), np.array([[0.5, 0.25], [7.0, 0.75]])
    picture = draw_matches(grey, grey, start, end, [True, False])
    assert picture.shape == (100, 200 + GAP, 3)
    # The line runs between two rows of pixels.
    assert nearer(picture[24, 150], GREEN, RED)
    # A match outside the crop ends at its border.
    assert nearer(picture[74, 150], RED, GREEN)
    assert (grey == 128).all()
    assert np.array_equal(draw_matches(grey, grey, start[:0], end[:0], [])[:, :100], grey)


def test_report_from_the_files_of_an_evaluation(tmp_path):
    params = tiny_params(categories=[CATEGORY], correspondence__size=256, pca__dims=16)
    layout = write_world(tmp_path, params)
    with pytest.raises(InputError, match=r"metrics\.json.*`evaluate`"):
        write_report(layout)
    evaluation = evaluate(layout, CATEGORY)
    write_evaluation(layout.evaluation(CATEGORY), evaluation)
    with pytest.raises(InputError, match=r"pairs\.png.*`evaluate`"):
        write_report(layout)
    instances = {i.name: i for i in read_instances(layout.instances(CATEGORY))}
    picture = draw_pairs(evaluation, instances, layout, 0.1)
    assert np.array_equal(picture, draw_pairs(evaluation, instances, layout, 0.1))
    write_image(layout.evaluation(CATEGORY) / "pairs.png", picture)
    first = report_bytes(layout)
    assert set(first) == {"table1.md", "table1.csv", "table1.tex", "metrics.json", f"{CATEGORY}_pairs.png"}
    assert report_bytes(layout) == first
    assert json.loads(first["metrics.json"])["ours/car/pck10"] >= 99
    shown = read_image(layout.reports / "figures" / f"{CATEGORY}_pairs.png")
    assert (shown == np.array(GREEN)).all(-1).sum() > 100


def nearer(pixel: np.ndarray, colour: tuple, other: tuple) -> bool:
    distances = [np.abs(pixel.astype(int) - c).sum() for c in (colour, other)]
    return distances[0] < 150 < distances[1]


def report_bytes(layout: Layout) -> dict[str, bytes]:
    write_report(layout)
    return {path.name: path.read_bytes() for path in layout.reports.rglob("*") if path.is_file()}

"""Tables, comparison with the paper, summary and figures, from scores made by hand."""

import csv
import dataclasses
import io
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scored_world import BACKBONE, CATEGORY, CELL, write_world
from tiny import tiny_params

from pipeline.categories import CATEGORIES
from pipeline.cells import Cell, resolve
from pipeline.errors import InputError
from pipeline.evaluation.evaluate import evaluate_cell, switches_of
from pipeline.evaluation.evaluate_baselines import evaluate_baselines
from pipeline.evaluation.pck import Pck
from pipeline.evaluation.result import Backends, MeshMeasures, Metrics, Trained, write_evaluation
from pipeline.evaluation.scoring import settings_of
from pipeline.images import write_image
from pipeline.layout import Layout
from pipeline.params import load_params
from pipeline.reconstruction.result import ImageReconstruction, ReconstructionScores
from pipeline.reporting.claims import judge_claims
from pipeline.reporting.differences import chamfer_difference, pck_difference
from pipeline.reporting.formats import to_csv, to_latex, to_markdown
from pipeline.reporting.metrics import summarise
from pipeline.reporting.paper import TABLE1, TABLE2
from pipeline.reporting.report import write_report
from pipeline.reporting.results import Results, Scored
from pipeline.reporting.rows import ORDER, PAPER_ROWS, row_order, row_title
from pipeline.reporting.table import over_seeds
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.table2 import build_table2
from pipeline.reporting.versus_paper import versus_paper1, versus_paper2
from pipeline.sheets import SIZE, Sheet, compose_sheet
from pipeline.training.trainer import CURVE_COLUMNS

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared/paper"
PARAMS = tiny_params(benchmark__seed=5, bootstrap__replicates=200)
SETTINGS = settings_of(PARAMS)
REAL = dataclasses.replace(
    SETTINGS, generated=False, backends=Backends("sam", "depth_anything", "orient_anything", "dinov2")
)
IMAGES = [f"i{n}" for n in range(8)]
PAIRS = [(a, b) for a in IMAGES for b in IMAGES if a != b]


def make_points(share: float, seed: int) -> pd.DataFrame:
    """Four keypoints a pair, each correct at 0.1 with probability `share`."""
    correct = np.random.default_rng(seed).random((len(PAIRS), 4)) < share
    rows = [(n, *pair, "search", 1.0, 0.05 if good else 0.5) for n, pair in enumerate(PAIRS) for good in correct[n]]
    return pd.DataFrame(rows, columns=["pair", "source", "target", "method", "box_side", "error"])


def make_scored(name: str, category: str, share: float, seed: int, settings=SETTINGS) -> Scored:
    points = make_points(share, seed)
    found = float((points["error"] <= 0.1).groupby(points["pair"]).mean().mean())
    trained = name in PAPER_ROWS or name == "mine"
    switches = PAPER_ROWS[name].switches if name in PAPER_ROWS else PAPER_ROWS["ours"].switches
    method = "search" if trained else name
    mesh = MeshMeasures(8, 10.0 + seed, 90.0, 0.75, 1, 0.8, 0.25, 0.04) if trained else None
    other = {"projection": {"0.05": Pck(0.1, 0.2), "0.1": Pck(0.2, 0.3)}} if trained else {}
    metrics = Metrics(
        category,
        BACKBONE,
        settings,
        Trained(name, seed, switches) if trained else None,
        len(PAIRS),
        len(PAIRS) + 1,
        4 * len(PAIRS),
        "ab" * 32,
        {"x-y": "gone"},
        {method: {"0.05": Pck(0.1, 0.2), "0.1": Pck(found, 0.75)}, **other},
        mesh,
    )
    return Scored(metrics, points, method)


def make_chamfer(variant: str, category: str, seed: int, level: float) -> ReconstructionScores:
    rng = np.random.default_rng(len(variant) + seed)
    images = [ImageReconstruction(n, 1, level + 1, level + rng.normal(0, 0.1), level / 2, 2) for n in IMAGES]
    return ReconstructionScores(variant, BACKBONE, category, seed, tuple(images), 3)


def make_results(
    shares: dict[str, float], categories=("car", "chair"), seeds=(0,), settings=SETTINGS, chamfer=None
) -> Results:
    rows = {
        name: {
            category: tuple(
                make_scored(name, category, shares[name], 10 * seed + i, settings)
                for seed in (seeds if name in PAPER_ROWS or name == "mine" else seeds[:1])
            )
            for i, category in enumerate(categories)
        }
        for name in row_order(list(shares))
    }
    backbones = {
        (name, BACKBONE): {category: tuple(one.metrics for one in scored) for category, scored in cells.items()}
        for name, cells in rows.items()
        if next(iter(cells.values()))[0].metrics.trained
    }
    scores = {
        variant: {
            category: tuple(make_chamfer(variant, category, seed, level) for seed in seeds) for category in rows["ours"]
        }
        for variant, level in (chamfer or {}).items()
    }
    return Results(tuple(categories), tuple(seeds), rows, scores, backbones)


FOUR = {"mp": 0.3, "nearest_neighbour": 0.5, "ours": 0.8, "wo_index": 0.8}
CHAMFER = {"mp": 8.0, "ours": 6.0}


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_the_paper_columns_and_empty_cells_for_what_was_not_run():
    rows = read_csv(to_csv(build_table1(make_results(FOUR), PARAMS.bootstrap)))
    assert list(rows[0]) == ["method", *CATEGORIES, "avg", "difference", "low", "high"]
    ours = rows[2]
    assert float(ours["avg"]) == pytest.approx((float(ours["car"]) + float(ours["chair"])) / 2, abs=0.11)
    assert all(ours[name] == "" for name in CATEGORIES if name not in ("car", "chair"))
    assert ours["difference"] == ""
    if SHARED.is_dir():
        assert list(rows[0])[:12] == (SHARED / "table1.csv").read_text().splitlines()[0].split(",")


@pytest.mark.skipif(not SHARED.is_dir(), reason="the paper's tables are not at hand")
def test_the_paper_s_numbers_are_the_paper_s():
    titles = {name: PAPER_ROWS[name].title for name in PAPER_ROWS}
    titles |= {"nearest_neighbour": "DINOv2", "pca_nearest_neighbour": "DINOv2 PCA"}
    table1 = {row["method"]: row for row in read_csv((SHARED / "table1.csv").read_text())}
    assert [titles[name] for name in ORDER] == list(table1)
    table2 = {row["method"]: row for row in read_csv((SHARED / "table2.csv").read_text())}
    for ours, name, theirs in [
        *((TABLE1[name], titles[name], table1) for name in TABLE1),
        (TABLE2["mp"], "MagicPony", table2),
        (TABLE2["ours"], "Ours", table2),
    ]:
        assert ours == tuple(float(theirs[name][category]) for category in CATEGORIES)
        assert np.mean(ours) == pytest.approx(float(theirs[name]["avg"]), abs=0.051)


def test_rows_stand_in_the_paper_s_order_and_others_last():
    assert row_order(["mine", "wo_pose", "ours", "nearest_neighbour", "mp"]) == [
        "mp",
        "nearest_neighbour",
        "ours",
        "wo_pose",
        "mine",
    ]


def test_simulated_labels_are_named_in_every_format():
    table = build_table1(make_results(FOUR), PARAMS.bootstrap)
    assert "Simulated: photographs, masks, depth, poses, features" in to_markdown(table)
    assert "Simulated: photographs, masks, depth, poses, features" in to_latex(table)
    titles = ["MP", "DINOv2", "Ours", "w/o ind. emb."]
    assert [row["method"] for row in read_csv(to_csv(table))] == [f"{title} (simulated)" for title in titles]


def test_nothing_is_called_simulated_that_is_not():
    results = make_results(FOUR, settings=REAL, chamfer=CHAMFER)
    tables = [build_table1(results, PARAMS.bootstrap), build_table2(results, PARAMS.bootstrap)]
    assert [row.title for row in tables[0].main.rows] == ["MP", "DINOv2", "Ours", "w/o ind. emb."]
    pages = [render(table) for table in tables for render in (to_csv, to_markdown, to_latex)]
    claims = judge_claims(results, PARAMS.bootstrap)
    pages += [versus_paper1(tables[0], results, claims), versus_paper2(tables[1], results, claims)]
    assert not any("imulated" in page or "DATA DIFFER" in page for page in pages)
    # Only what a row rests on counts: no model and so neither depth nor poses.
    photos = dataclasses.replace(REAL, backends=Backends("grabcut", "benchmark", "benchmark", "sift"))
    table = build_table1(make_results({"nearest_neighbour": 0.5}, settings=photos), PARAMS.bootstrap)
    assert table.main.rows[0].title == "SIFT"
    assert "SIFT" not in versus_paper1(table, make_results({"nearest_neighbour": 0.5}, settings=photos), [])
    assert table.warning == ""
    assert table.main.difference is None
    rendered = dataclasses.replace(REAL, generated=True)
    table = build_table1(make_results({"nearest_neighbour": 0.5}, settings=rendered), PARAMS.bootstrap)
    assert table.main.rows[0].title == "DINOv2 (simulated)" and table.warning.startswith("Simulated: photographs.")


def test_a_variant_that_switches_something_else_is_never_called_by_the_paper_s_name():
    metrics = make_scored("ours", "car", 0.5, 0, REAL).metrics
    assert row_title("ours", metrics) == "Ours"
    changed = dataclasses.replace(metrics.trained.switches, feature_consistency=False)
    metrics = dataclasses.replace(metrics, trained=dataclasses.replace(metrics.trained, switches=changed))
    assert row_title("ours", metrics) == "Ours [changed]"


def test_markdown_states_split_seeds_pairs_and_what_the_average_covers():
    text = to_markdown(build_table1(make_results(FOUR, seeds=(0, 3)), PARAMS.bootstrap))
    for expected in (
        "split 'test'",
        "training seeds 0, 3",
        "benchmark seed 5",
        "chair 56 (abababab)",
        "2 more",
        "avg of 2",
        "not run: aeroplane, bicycle",
        "standard deviation over the 2 training seeds",
        "95 % interval",
        "Vertex drift",
    ):
        assert expected in text


def test_average_over_all_ten_categories_is_the_plain_one():
    table = build_table1(make_results({"ours": 0.5}, categories=CATEGORIES), PARAMS.bootstrap)
    assert table.main.average == "avg"
    row = table.main.rows[0]
    assert row.average.mean == pytest.approx(np.mean([value.mean for value in row.values]))
    assert "not run" not in to_markdown(table)


def test_spread_is_the_sample_standard_deviation_over_seeds():
    assert over_seeds([3.0]) == (3.0, None)
    numbers = [1.0, 4.0, 8.0]
    assert over_seeds(numbers) == pytest.approx((np.mean(numbers), np.std(numbers, ddof=1)))
    results = make_results({"nearest_neighbour": 0.5, "ours": 0.5}, seeds=(0, 1, 2))
    table = build_table1(results, PARAMS.bootstrap)
    baseline, ours = table.main.rows
    assert baseline.average.spread is None
    per_seed = [
        np.mean([100 * results.rows["ours"][c][s].metrics.pck["search"]["0.1"].per_image for c in ("car", "chair")])
        for s in range(3)
    ]
    assert ours.average == pytest.approx((np.mean(per_seed), np.std(per_seed, ddof=1)))
    row = read_csv(to_csv(table))[1]
    assert float(row["std_avg"]) == pytest.approx(np.std(per_seed, ddof=1), abs=0.051)
    assert re.search(r"\| \d+\.\d ± \d+\.\d \|", to_markdown(table))


def test_differences_are_paired_and_marked_where_they_may_be_nothing():
    results = make_results(FOUR)
    rows = {row.title: row for row in build_table1(results, PARAMS.bootstrap).main.rows}
    assert rows["Ours (simulated)"].difference is None
    mp = rows["MP (simulated)"]
    assert mp.difference.difference == pytest.approx(mp.average.mean - rows["Ours (simulated)"].average.mean)
    assert mp.difference.high < 0
    # The same matches as Ours: no difference at all.
    same = rows["w/o ind. emb. (simulated)"]
    assert same.difference == (0, 0, 0)
    text = to_markdown(build_table1(results, PARAMS.bootstrap))
    assert re.search(r"w/o ind\. emb\. \(simulated\) .*\+0\.0 \[\+0\.0, \+0\.0\] ≈ \|", text)
    assert re.search(r"\| MP \(simulated\) .*−\d+\.\d \[−\d+\.\d, −\d+\.\d\] \|", text)


def test_differences_do_not_depend_on_the_order_of_the_points():
    results = make_results(FOUR)
    row, reference = results.rows["mp"], results.rows["ours"]
    shuffled = {
        category: tuple(one._replace(points=one.points.sample(frac=1, random_state=1)) for one in scored)
        for category, scored in row.items()
    }
    first = pck_difference(row, reference, 0.1, PARAMS.bootstrap)
    assert pck_difference(shuffled, reference, 0.1, PARAMS.bootstrap) == pytest.approx(first)
    back = pck_difference(reference, row, 0.1, PARAMS.bootstrap)
    assert back == pytest.approx((-first.difference, -first.high, -first.low))


def test_the_two_readings_of_a_model_are_a_table_of_their_own():
    results = make_results({"mp": 0.3, "ours": 0.8})
    dino = {
        category: tuple(dataclasses.replace(metrics, backbone="dino") for metrics in scored)
        for category, scored in results.backbones["mp", BACKBONE].items()
    }
    results = results._replace(backbones={**results.backbones, ("mp", "dino"): dino})
    (grid,) = (g for g in build_table1(results, PARAMS.bootstrap).details if g.title.startswith("Backbone"))
    assert grid.columns == ("projection alone", "with local search")
    assert [row.title for row in grid.rows] == [
        "MP (simulated) on DINOv2",
        "MP (simulated) on DINO",
        "Ours (simulated) on DINOv2",
    ]
    ours = results.rows["ours"]
    expected = np.mean([100 * ours[c][0].metrics.pck["search"]["0.1"].per_image for c in ours])
    assert [value.mean for value in grid.rows[2].values] == pytest.approx([20, expected])


def test_mesh_rows_report_pose_silhouette_drift_and_pairs():
    grids = {grid.title.split(" (")[0]: grid for grid in build_table1(make_results(FOUR), PARAMS.bootstrap).details}
    assert [row.title for row in grids["Pose error"].rows] == [
        "MP (simulated)",
        "Ours (simulated)",
        "w/o ind. emb. (simulated)",
    ]
    assert grids["Pose error"].rows[1].average.mean == pytest.approx(10.5)
    assert grids["Mask IoU"].rows[0].average.mean == pytest.approx(80)
    assert grids["Vertex drift"].rows[0].average.mean == pytest.approx(25)
    assert grids["Pairs evaluated"].rows[0].average.mean == pytest.approx(100 * 56 / 57)


def test_table2_compares_chamfer_distances():
    results = make_results(FOUR, chamfer=CHAMFER)
    table = build_table2(results, PARAMS.bootstrap)
    mp, ours = table.main.rows
    assert (mp.title, ours.title) == ("MagicPony (simulated)", "Ours (simulated)")
    assert (mp.average.mean, ours.average.mean) == pytest.approx((8, 6), abs=0.1)
    assert mp.difference.low > 1.5
    assert mp.difference.difference == pytest.approx(mp.average.mean - ours.average.mean)
    rigid, best = table.details
    assert (rigid.rows[1].average.mean, best.rows[1].average.mean) == pytest.approx((7, 3))
    assert "car 8, chair 8" in to_markdown(table)
    assert build_table2(make_results(FOUR), PARAMS.bootstrap) is None
    same = results.reconstruction["ours"]
    assert chamfer_difference(same, same, PARAMS.bootstrap) == (0, 0, 0)


def test_claims_hold_fail_or_stay_undecided():
    shares = {"mp": 0.6, "mp_pose": 0.4, "mp_depth": 0.5, "ours": 0.8, "wo_index": 0.8, "wo_pose": 0.9}
    claims = {(c.better, c.worse): c for c in judge_claims(make_results(shares, chamfer=CHAMFER), PARAMS.bootstrap)}
    assert claims["ours", "mp_pose"].verdict == "holds"
    assert claims["mp_depth", "mp"].verdict == "does NOT hold"
    assert claims["ours", "wo_pose"].verdict == "does NOT hold"
    assert claims["ours", "wo_index"].verdict.startswith("not decided")
    # Chamfer distances are better when lower.
    assert claims["ours", "mp"].measure == "Chamfer distance"
    assert claims["ours", "mp"].verdict == "holds"
    assert ("ours", "nearest_neighbour") not in claims


def test_comparison_with_the_paper_is_cell_by_cell_and_loud():
    results = make_results(FOUR, chamfer=CHAMFER)
    claims = judge_claims(results, PARAMS.bootstrap)
    table = build_table1(results, PARAMS.bootstrap)
    page = versus_paper1(table, results, claims)
    assert "THE DATA DIFFER" in page
    ours = table.main.rows[2]
    car, theirs = ours.values[CATEGORIES.index("car")].mean, TABLE1["ours"][CATEGORIES.index("car")]
    assert f"{car:.1f} / {theirs:.1f} / {car - theirs:+.1f}".replace("-", "−") in page
    mean = np.mean([TABLE1["ours"][CATEGORIES.index(c)] for c in ("car", "chair")])
    assert f"{ours.average.mean:.1f} / {mean:.1f} /" in page
    assert re.search(r"\| Ours better than features \(PCK@0\.1\) \| \+\d+\.\d \[.*\] \| holds \|", page)
    page = versus_paper2(build_table2(results, PARAMS.bootstrap), results, claims)
    assert re.search(r"\| Ours better than MP \(Chamfer distance\) .* holds \|", page)


def test_latex_is_a_booktabs_table_with_escapes():
    text = to_latex(build_table1(make_results(FOUR, seeds=(0, 1)), PARAMS.bootstrap))
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == len(CATEGORIES) + 2 for line in body)
    assert "%" not in text.replace(r"\%", "")
    assert text.isascii()


def test_summary_is_flat():
    summary = summarise(make_results(FOUR, chamfer=CHAMFER))
    assert summary["ours/avg/pck10"] == pytest.approx((summary["ours/car/pck10"] + summary["ours/chair/pck10"]) / 2)
    assert summary["ours/avg/pck05_per_point"] == 20
    assert summary["mp/avg/drift"] == 25
    assert summary["mp/avg/chamfer"] == pytest.approx(8, abs=0.1)
    assert summary["chair/pairs"] == 56
    assert all(isinstance(value, int | float) and math.isfinite(value) for value in summary.values())


def test_every_variant_that_is_shipped_switches_what_its_row_says():
    params = load_params(ROOT / "params.yaml")
    for name, row in PAPER_ROWS.items():
        assert switches_of(resolve(params, Cell(name, BACKBONE, "car", 0))) == row.switches


@pytest.fixture
def finished(tmp_path) -> Layout:
    """A cell that has been run, with its baselines; meshes are not compared with CAD models."""
    params = tiny_params(
        categories=[CATEGORY],
        trained=["ours"],
        reconstruction__variants=[],
        bootstrap__replicates=50,
        correspondence__map_size=256,
        pca__dims=16,
    )
    layout = write_world(tmp_path, params)
    write_evaluation(layout.evaluation(CELL), evaluate_cell(layout, CELL))
    write_evaluation(layout.baselines(BACKBONE, CATEGORY), evaluate_baselines(layout, BACKBONE, CATEGORY))
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 255, (5, 4, SIZE, SIZE, 3), dtype=np.uint8)
    write_image(layout.predictions(CELL) / "sheet.png", compose_sheet(Sheet(*pictures)))
    curve = pd.DataFrame(rng.random((5, len(CURVE_COLUMNS))), columns=list(CURVE_COLUMNS))
    layout.model(CELL).mkdir(parents=True)
    curve.assign(step=range(5)).to_csv(layout.model(CELL) / "curve.csv", index=False)
    return layout


def report_bytes(layout: Layout) -> dict[str, bytes]:
    write_report(layout)
    return {path.name: path.read_bytes() for path in layout.reports.rglob("*") if path.is_file()}


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


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (lambda layout: layout.evaluation(CELL) / "metrics.json", r"metrics\.json.*`evaluate`"),
        (lambda layout: layout.baselines(BACKBONE, CATEGORY) / "pairs.parquet", r"pairs\.parquet.*`baselines`"),
        (lambda layout: layout.model(CELL) / "curve.csv", r"curve\.csv.*`train`"),
        (lambda layout: layout.predictions(CELL) / "sheet.png", r"sheet\.png"),
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
    with pytest.raises(InputError, match="'car' stem from different parameters"):
        write_report(finished)

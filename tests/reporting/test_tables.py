"""Both tables and their formats."""

import dataclasses
import re

import numpy as np
import pytest

from pipeline.config.categories import CATEGORIES
from pipeline.evaluation.result import Backends
from pipeline.reporting.claims import judge_claims
from pipeline.reporting.differences import chamfer_difference
from pipeline.reporting.formats import to_csv, to_latex, to_markdown
from pipeline.reporting.paper import TABLE1, TABLE2
from pipeline.reporting.rows import ORDER, PAPER_ROWS, row_order, row_title
from pipeline.reporting.table import over_seeds
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.table2 import build_table2
from pipeline.reporting.versus_paper import versus_paper1, versus_paper2
from support.made_scores import CHAMFER, FOUR, PARAMS, REAL, make_results, make_scored, read_csv
from support.paths import ROOT
from support.scored_world import BACKBONE

SHARED = ROOT.parent / "shared/paper"


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
        assert ours == {category: float(theirs[name][category]) for category in CATEGORIES}
        assert np.mean(list(ours.values())) == pytest.approx(float(theirs[name]["avg"]), abs=0.051)


def test_rows_stand_in_the_paper_s_order_and_others_last():
    assert row_order(["mine", "ours_refined", "wo_pose", "ours", "nearest_neighbour", "mp"]) == [
        "mp",
        "nearest_neighbour",
        "ours",
        "wo_pose",
        "ours_refined",
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
    photos = dataclasses.replace(REAL, backends=Backends("grabcut", "simulated", "simulated", "sift"))
    table = build_table1(make_results({"nearest_neighbour": 0.5}, settings=photos), PARAMS.bootstrap)
    assert table.main.rows[0].title == "SIFT"
    assert "SIFT" not in versus_paper1(table, make_results({"nearest_neighbour": 0.5}, settings=photos), [])
    assert table.warnings == ()
    assert table.main.difference is None
    rendered = dataclasses.replace(REAL, generated=True)
    table = build_table1(make_results({"nearest_neighbour": 0.5}, settings=rendered), PARAMS.bootstrap)
    assert table.main.rows[0].title == "DINOv2 (simulated)" and table.warnings[0].startswith("Simulated: photographs.")


def test_a_variant_that_switches_something_else_is_never_called_by_the_paper_s_name():
    metrics = make_scored("ours", "car", 0.5, 0, REAL).metrics
    assert row_title("ours", metrics) == "Ours"
    changed = dataclasses.replace(metrics.trained.switches, feature_consistency=False)
    metrics = dataclasses.replace(metrics, trained=dataclasses.replace(metrics.trained, switches=changed))
    assert row_title("ours", metrics) == "Ours [changed]"


def test_rows_beyond_the_paper_stand_below_a_rule():
    shares = {"mp": 0.3, "ours": 0.6, "ours_refined": 0.7, "mine": 0.5}
    table = build_table1(make_results(shares), PARAMS.bootstrap)
    lines = to_markdown(table).splitlines()
    titles = [line.split("|")[1].strip() for line in lines if line.startswith("|")][:8]
    ending = " (simulated)"
    assert titles[2:] == [
        f"MP{ending}",
        f"Ours{ending}",
        "*beyond the paper*",
        f"Ours + refinement{ending}",
        f"mine{ending}",
        "method",
    ]
    latex = to_latex(table)
    below = latex[latex.index(r"\emph{beyond the paper}") :]
    assert latex.count(r"\midrule") == 2 and "Ours + refinement" in below and "MP" not in below
    assert [row["method"].removesuffix(ending) for row in read_csv(to_csv(table))][2:] == ["Ours + refinement", "mine"]


def test_tables_of_the_paper_s_rows_alone_have_no_rule():
    assert "beyond" not in to_markdown(build_table1(make_results(FOUR), PARAMS.bootstrap))


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
    table = build_table1(make_results({"ours": 0.5}, categories=tuple(CATEGORIES)), PARAMS.bootstrap)
    assert table.main.average == "avg"
    row = table.main.rows[0]
    assert row.average.mean == pytest.approx(np.mean([value.mean for value in row.values.values()]))
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


def test_the_readings_of_a_model_are_a_table_of_their_own():
    results = make_results({"mp": 0.3, "ours": 0.8})
    dino = {
        category: tuple(dataclasses.replace(metrics, backbone="dino") for metrics in scored)
        for category, scored in results.backbones["mp", BACKBONE].items()
    }
    results = results._replace(backbones={**results.backbones, ("mp", "dino"): dino})
    (grid,) = (g for g in build_table1(results, PARAMS.bootstrap).details if g.title.startswith("Backbone"))
    assert grid.columns == ("projection alone", "with local search", "guided search")
    assert [row.title for row in grid.rows] == [
        "MP (simulated) on DINOv2",
        "MP (simulated) on DINO",
        "Ours (simulated) on DINOv2",
    ]
    ours = results.rows["ours"]
    expected = np.mean([100 * ours[c][0].metrics.pck["search"]["0.1"].per_image for c in ours])
    assert [grid.rows[2].values[column].mean for column in grid.columns] == pytest.approx([20, expected, 60])


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


def test_latex_is_a_booktabs_table_with_escapes():
    text = to_latex(build_table1(make_results(FOUR, seeds=(0, 1)), PARAMS.bootstrap))
    assert text.count(r"\toprule") == text.count(r"\midrule") == text.count(r"\bottomrule") == 1
    body = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert all(line.count(" & ") == len(CATEGORIES) + 2 for line in body)
    assert "%" not in text.replace(r"\%", "")
    assert text.isascii()

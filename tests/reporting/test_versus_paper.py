"""The comparison with the paper's numbers, and tables over other categories than the ten."""

import re

import numpy as np
import pytest

from pipeline.config.categories import CATEGORIES
from pipeline.reporting import table
from pipeline.reporting.claims import judge_claims
from pipeline.reporting.formats import to_csv, to_markdown
from pipeline.reporting.paper import TABLE1, TABLE2
from pipeline.reporting.table1 import build_table1
from pipeline.reporting.table2 import build_table2
from pipeline.reporting.versus_paper import versus_paper1, versus_paper2
from support.made_scores import CHAMFER, FOUR, PARAMS, make_results, read_csv

TEN = tuple(CATEGORIES)
INSERTED = (*TEN[:3], "sofa", *TEN[3:])
REMOVED = (*TEN[:2], *TEN[3:])


def read_beside(page: str) -> dict[str, dict[str, list[str]]]:
    """The first table of the page by row and column: our number, the paper's and their difference."""
    lines = [line for line in page.split("## ")[0].splitlines() if line.startswith("|")]
    head, _, *rows = ([text.strip() for text in line.strip("|").split("|")] for line in lines)
    return {name: dict(zip(head[1:], (text.split(" / ") for text in texts), strict=True)) for name, *texts in rows}


def test_comparison_with_the_paper_is_number_by_number_and_loud():
    results = make_results(FOUR, chamfer=CHAMFER)
    claims = judge_claims(results, PARAMS.bootstrap)
    table1 = build_table1(results, PARAMS.bootstrap)
    page = versus_paper1(table1, results, claims)
    assert "THE DATA DIFFER" in page
    ours = table1.main.rows[2]
    car, theirs = ours.values["car"].mean, TABLE1["ours"]["car"]
    assert f"{car:.1f} / {theirs:.1f} / {car - theirs:+.1f}".replace("-", "−") in page
    mean = np.mean([TABLE1["ours"][category] for category in ("car", "chair")])
    assert f"{ours.average.mean:.1f} / {mean:.1f} /" in page
    assert re.search(r"\| Ours better than features \(PCK@0\.1\) \| \+\d+\.\d \[.*\] \| holds \|", page)
    page = versus_paper2(build_table2(results, PARAMS.bootstrap), results, claims)
    assert re.search(r"\| Ours better than MP \(Chamfer distance\) .* holds \|", page)


def test_the_paper_s_numbers_stand_under_their_headings():
    """Some numbers are read off the paper by hand."""
    assert all(list(row) == list(TEN) for row in (*TABLE1.values(), *TABLE2.values()))
    assert (TABLE1["mp"]["aeroplane"], TABLE1["ours"]["bus"], TABLE1["wo_pose"]["tvmonitor"]) == (60.6, 62.4, 45.7)
    assert (TABLE2["mp"]["bottle"], TABLE2["ours"]["chair"]) == (2.5, 4.4)


@pytest.mark.parametrize(
    "categories", [TEN, INSERTED, REMOVED, TEN[::-1]], ids=["ten", "inserted", "removed", "reversed"]
)
def test_every_number_stays_beside_its_category_whatever_the_list(monkeypatch, categories):
    monkeypatch.setattr(table, "CATEGORIES", dict.fromkeys(categories))
    results = make_results(FOUR, categories=categories, chamfer=CHAMFER)
    table1, table2 = build_table1(results, PARAMS.bootstrap), build_table2(results, PARAMS.bootstrap)
    common = [category for category in categories if category in TEN]
    average = "avg" if len(common) == len(categories) else f"avg of {len(common)}"
    pages = ((versus_paper1(table1, results, []), TABLE1), (versus_paper2(table2, results, []), TABLE2))
    for (page, paper), titles in zip(pages, (("MP", "Ours"), ("MagicPony", "Ours")), strict=True):
        rows = read_beside(page)
        for title, name in zip(titles, ("mp", "ours"), strict=True):
            row = rows[f"{title} (simulated)"]
            assert list(row) == [*categories, average]
            expected = {category: f"{paper[name][category]:.1f}" for category in common}
            assert {category: row[category][1] for category in common} == expected
            mean = np.mean([paper[name][category] for category in common])
            assert float(row[average][1]) == pytest.approx(mean, abs=0.051)
            assert [row[category][1:] for category in categories if category not in TEN] == [
                ["–"] for category in categories if category not in TEN
            ]
        assert ("not in the paper, and not in the averages: sofa" in page) == ("sofa" in categories)
    ours = read_csv(to_csv(table1))[2]
    for category in categories:
        (scored,) = results.rows["ours"][category]
        assert float(ours[category]) == pytest.approx(100 * scored.metrics.pck["search"]["0.1"].per_image, abs=0.051)
    assert "not run" not in to_markdown(table1)


def test_a_category_that_is_not_among_the_ten_follows_them_or_stands_alone():
    both = build_table1(make_results(FOUR, categories=("mug", "car")), PARAMS.bootstrap)
    assert both.main.columns == (*TEN, "mug")
    assert both.main.average == "avg of 2"
    assert "the 2 of 11 categories run; not run: aeroplane" in to_markdown(both)
    results = make_results(FOUR, categories=("mug",))
    alone = build_table1(results, PARAMS.bootstrap)
    assert (alone.main.columns, alone.main.average) == (("mug",), "avg")
    row = read_beside(versus_paper1(alone, results, []))["Ours (simulated)"]
    assert row == {"mug": [f"{alone.main.rows[2].values['mug'].mean:.1f}", "–"]}

"""Differences between rows, and the paper's claims."""

import re

import pytest

from pipeline.reporting.claims import judge_claims
from pipeline.reporting.differences import pck_difference
from pipeline.reporting.formats import to_markdown
from pipeline.reporting.table1 import build_table1
from support.made_scores import CHAMFER, FOUR, PARAMS, make_results


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

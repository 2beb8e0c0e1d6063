"""Curves of PCK: the numbers against a slow reference, and what the plot shows of them."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from pipeline.base.errors import InputError
from pipeline.evaluation.pck import is_correct, pck
from pipeline.reporting.pck_curves import ALPHAS, PckCurve, line_style, pck_csv, pck_curve, pck_figure
from pipeline.reporting.plot_style import COLOURS, to_png

POINT = st.tuples(st.integers(0, 4), st.integers(0, 40), st.integers(1, 200))
CATEGORY = st.lists(POINT, min_size=1, max_size=12)
METHODS = (
    *("DINOv2", "DINOv2 PCA", "MP", "MP + Depth", "MP + Pose", "Ours", "Ours w/o search"),
    *("w/o ind. emb.", "w/o feat. cons.", "w/o 3.2 (both)", "w/o depth", "w/o pose"),
)


def table(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["pair", "error", "box_side"]).astype({"error": float, "box_side": float})


def curve_through(at_tenth: float) -> PckCurve:
    return PckCurve(np.array([0.0, 0.1, 0.2]), np.array([0.0, at_tenth, 1.0]))


@given(st.lists(CATEGORY, min_size=1, max_size=3))
def test_curve_against_pck_of_each_category(categories):
    points = {str(i): table(rows) for i, rows in enumerate(categories)}
    alphas = [0.0, 0.05, 0.1, 0.2]
    curve = pck_curve(points, alphas)
    for alpha, value in zip(alphas, curve.values, strict=True):
        shares = []
        for frame in points.values():
            pairs = [frame[frame["pair"] == pair] for pair in sorted(set(frame["pair"]))]
            correct = [is_correct(p["error"].to_numpy(), p["box_side"].to_numpy(), alpha) for p in pairs]
            counts = np.array([len(c) for c in correct])
            shares.append(pck(np.concatenate(correct), counts).per_image)
        assert value == pytest.approx(sum(shares) / len(shares), abs=1e-12)
    assert (np.diff(curve.values) >= -1e-12).all()


def test_curve_counted_by_hand():
    """Pair 0: 5 and 20 of 100 pixels; pair 1: 10 of 100; another category: 0."""
    points = {"car": table([(0, 5, 100), (0, 20, 100), (1, 10, 100)]), "bus": table([(0, 0, 50)])}
    curve = pck_curve(points, [0.0, 0.05, 0.1, 0.2])
    assert curve.values.tolist() == [0.5, 0.625, 0.875, 1.0]
    assert curve.at(0.15) == pytest.approx(0.9375)


def test_the_tables_threshold_is_on_the_curve():
    curve = pck_curve({"car": table([(0, 10, 100), (0, 20, 100)])})
    assert curve.alphas.tolist() == list(ALPHAS)
    assert (ALPHAS[0], ALPHAS[20], ALPHAS[-1]) == (0, 0.1, 0.2)
    assert curve.values[[19, 20, 39, 40]].tolist() == [0, 0.5, 0.5, 1]


def test_a_curve_needs_points():
    with pytest.raises(InputError, match="found none of any"):
        pck_curve({})
    with pytest.raises(InputError, match="found none of bus"):
        pck_curve({"car": table([(0, 1, 10)]), "bus": table([])})
    with pytest.raises(InputError, match="found none"):
        pck_figure({}, simulated=False)
    with pytest.raises(InputError, match="found none"):
        pck_csv({})


def test_csv_is_long_and_in_per_cent():
    text = pck_csv({"MP": curve_through(0.25), "w/o 3.2 (both), seed 1": curve_through(1 / 3)})
    frame = pd.read_csv(io.StringIO(text))
    assert list(frame) == ["method", "alpha", "pck"]
    assert frame["method"].tolist() == 3 * ["MP"] + 3 * ["w/o 3.2 (both), seed 1"]
    assert frame["pck"].tolist() == [0, 25, 100, 0, 33.3333, 100]
    assert frame["alpha"].tolist() == [0, 0.1, 0.2, 0, 0.1, 0.2]


def test_legend_is_ordered_by_the_value_at_the_tables_threshold():
    curves = {"low": curve_through(0.2), "high": curve_through(0.8), "middle": curve_through(0.5)}
    (legend,) = pck_figure(curves, simulated=False).legends
    assert [text.get_text().split() for text in legend.get_texts()] == [
        ["80.0", "high"],
        ["50.0", "middle"],
        ["20.0", "low"],
    ]
    handles = [line.get_color() for line in legend.get_lines()]
    lines = {line.get_gid(): line.get_color() for line in pck_figure(curves, simulated=False).axes[0].get_lines()}
    assert handles == [lines["high"], lines["middle"], lines["low"]]


def test_no_two_methods_look_alike_and_families_have_a_style():
    curves = {f"{name} (simulated)": curve_through(0.03 * i) for i, name in enumerate(METHODS)}
    lines = [line for line in pck_figure(curves, simulated=True).axes[0].get_lines() if line.get_gid() in curves]
    assert [line.get_gid() for line in lines] == list(curves)
    looks = {(line.get_color(), str(line_style(line.get_gid())), line.get_marker()) for line in lines}
    assert len(looks) == len(METHODS)
    assert {to_hex(line.get_color()).upper() for line in lines} <= set(COLOURS)
    styles = {name: str(line_style(name)) for name in METHODS}
    assert styles["MP"] == styles["MP + Pose"] != styles["DINOv2"] == styles["DINOv2 PCA"]
    assert styles["Ours"] == styles["w/o pose"] not in (styles["MP"], styles["DINOv2"])
    np.testing.assert_allclose(lines[3].get_ydata(), [0, 9, 100])


def test_many_lines_of_one_family_still_differ():
    curves = {f"feature {i}": curve_through(i / 20) for i in range(16)}
    lines = [line for line in pck_figure(curves, simulated=False).axes[0].get_lines() if line.get_gid() in curves]
    assert len({(line.get_color(), line.get_marker()) for line in lines}) == 16


def test_the_title_says_what_is_simulated():
    curves = {"Ours": curve_through(0.5)}
    titles = [pck_figure(curves, simulated).axes[0].get_title(loc="left") for simulated in (True, False)]
    assert ["simulated" in title for title in titles] == [True, False]
    (mark,) = [line for line in pck_figure(curves, False).axes[0].get_lines() if set(line.get_xdata()) == {0.1}]
    assert mark.get_linewidth() < 1


def test_equal_curves_give_equal_bytes_of_the_size_promised():
    curves = {name: curve_through(0.03 * i) for i, name in enumerate(METHODS)}
    first = to_png(pck_figure(curves, simulated=True))
    assert first == to_png(pck_figure(curves, simulated=True))
    assert b"Software" not in first
    assert tuple(np.frombuffer(first[16:24], ">u4")) == (1000, 600)

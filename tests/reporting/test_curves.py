"""Curves of PCK and of the losses: the numbers against slow references, and what the plots show of them."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex

from pipeline.base.errors import InputError
from pipeline.evaluation.pck import is_correct, pck
from pipeline.reporting.curves import ALPHAS, PckCurve, line_style, pck_csv, pck_curve, pck_figure
from pipeline.reporting.losses import loss_figure, running_median
from pipeline.reporting.plots import COLOURS, to_png

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


def make_losses(steps: int = 40, **terms) -> pd.DataFrame:
    """A curve file; a term is a constant, or a list of values."""
    step = 10 * np.arange(1, steps + 1)
    return pd.DataFrame({"step": step, "total": 1.0 / step, **terms, "vertices": 1000})


def panel(figure, term: str):
    return next(axes for axes in figure.axes if axes.get_title() == term)


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


def test_loss_panels_are_the_terms_that_differ_from_zero():
    curves = {
        "car": make_losses(mask=0.5, pose=0.0, depth=[np.nan, *np.full(39, 0.3)]),
        "bus": make_losses(mask=0.4, pose=0.0, depth=0.0),
    }
    figure = loss_figure(curves)
    assert [axes.get_title() for axes in figure.axes] == ["total", "mask", "depth"]
    assert {line.get_label() for line in panel(figure, "mask").get_lines()} == {"car", "bus"}
    assert {line.get_label() for line in panel(figure, "depth").get_lines()} == {"car"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["car", "bus"]
    values, medians = (line.get_ydata() for line in panel(figure, "mask").get_lines()[:2])
    np.testing.assert_array_equal(values, curves["car"]["mask"])
    np.testing.assert_array_equal(medians, running_median(curves["car"]["mask"]))


def test_axes_are_logarithmic_beyond_two_decades():
    wide, narrow, starts_late = np.geomspace(1e-3, 1, 40), np.geomspace(0.02, 1, 40), np.r_[np.zeros(30), np.ones(10)]
    negative = wide - 0.5
    figure = loss_figure({"car": make_losses(wide=wide, narrow=narrow, starts_late=starts_late, negative=negative)})
    scales = {axes.get_title(): axes.get_yscale() for axes in figure.axes}
    assert scales.pop("wide") == "log"
    assert set(scales.values()) == {"linear"}


@pytest.mark.parametrize(("low", "scale"), [(1e-4, "log"), (0.5, "linear")])
def test_terms_that_are_switched_off_have_no_line(low, scale):
    late = np.r_[np.zeros(200), np.geomspace(low, 1, 200)]
    axes = panel(loss_figure({"car": make_losses(400, late=late)}), "late")
    assert axes.get_yscale() == scale
    logged, median = (line.get_ydata() for line in axes.get_lines())
    np.testing.assert_array_equal(np.isnan(logged), late == 0)
    np.testing.assert_array_equal(np.isnan(median), late == 0)
    # The median of the first steps is not mixed with zeros.
    assert median[200] >= low


@given(st.lists(st.integers(0, 9), min_size=1, max_size=130))
def test_running_median_against_numpy(values):
    reach = len(values) // 40
    expected = [np.median(values[max(0, i - reach) : i + reach + 1]) for i in range(len(values))]
    np.testing.assert_array_equal(running_median(pd.Series(values, dtype=float)), expected)


def test_loss_curves_need_steps_and_terms():
    for curves, found in (({}, "any"), ({"car": make_losses(0)}, "car")):
        with pytest.raises(InputError, match=f"found none of {found}.*`train`"):
            loss_figure(curves)
    with pytest.raises(InputError, match="differ from zero"):
        loss_figure({"car": make_losses(mask=0.0).assign(total=0.0)})


def test_equal_curves_give_equal_bytes_of_the_size_promised():
    def draw():
        curves = {name: curve_through(0.03 * i) for i, name in enumerate(METHODS)}
        losses = {"car": make_losses(mask=0.5), "bus": make_losses(mask=np.geomspace(1e-4, 1, 40))}
        return to_png(pck_figure(curves, simulated=True)), to_png(loss_figure(losses))

    first = draw()
    assert first == draw()
    assert b"Software" not in first[0]
    sizes = [tuple(np.frombuffer(png[16:24], ">u4")) for png in first]
    assert sizes == [(1000, 600), (1600, 1000)]

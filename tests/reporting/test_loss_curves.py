"""Loss curves: running medians against a slow reference, and what the plot shows of the terms."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.base.errors import InputError
from pipeline.reporting.loss_curves import loss_figure, running_median
from pipeline.reporting.plot_style import to_png


def make_losses(steps: int = 40, **terms) -> pd.DataFrame:
    """The table of a `curve.csv`; a term is a constant, or a list of values."""
    step = 10 * np.arange(1, steps + 1)
    return pd.DataFrame({"step": step, "total": 1.0 / step, **terms, "vertices": 1000})


def panel(figure, term: str):
    return next(axes for axes in figure.axes if axes.get_title() == term)


def test_loss_panels_are_the_terms_that_differ_from_zero():
    curves = {
        "car": make_losses(mask=0.5, pose=0.0, depth=[np.nan, *np.full(39, 0.3)]),
        "bus": make_losses(mask=0.4, pose=0.0, depth=0.0, setback=7.0),
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
    losses = {"car": make_losses(mask=0.5), "bus": make_losses(mask=np.geomspace(1e-4, 1, 40))}
    first = to_png(loss_figure(losses))
    assert first == to_png(loss_figure(losses))
    assert tuple(np.frombuffer(first[16:24], ">u4")) == (1600, 1000)

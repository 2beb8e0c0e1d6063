"""The loss curves of several trainings, one panel for each term."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.base.errors import InputError
from pipeline.reporting.plot_style import COLOURS, GRID

NO_TERMS = ("step", "vertices", "setback")
"""Columns of `curve.csv` that are no terms of the objective."""
COLUMNS = 4
"""Panels side by side."""
DECADES = 2
"""Powers of ten that a term has to span for a logarithmic axis."""
LINE_STYLES = ("-", "--", ":", "-.")
"""Line styles: that of the first lines, and those of further lines, which find all colours taken."""


def loss_figure(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """Draw each unweighted term, and the weighted total, against the step; terms that are always zero are left out.

    Args:
        curves: by the training's name, the table of its `curve.csv` (`pipeline.training.curve.CURVE_COLUMNS`); an
            empty field, like a zero, is a term that was not evaluated in that step.

    Raises:
        InputError: there is no curve, one is empty, or no term differs from zero.
    """
    empty = [name for name, curve in curves.items() if curve.empty]
    terms = [] if empty else [term for term in _columns(curves) if _values(curves, term).any()]
    if not terms:
        raise InputError(
            f"A plot of loss curves needs trainings with terms that differ from zero; found none of "
            f"{', '.join(empty or curves) or 'any'}. Run the stage `train`: dvc repro."
        )
    columns = min(COLUMNS, len(terms))
    figure = Figure(figsize=(16, 10), layout="constrained")
    panels = figure.subplots(-(-len(terms) // columns), columns, squeeze=False).flatten()
    last_step = max(curve["step"].max() for curve in curves.values())
    for axes, term in zip(panels, terms, strict=False):
        _draw(axes, term, curves)
        axes.set_xlim(0, last_step)
    for axes in panels[len(terms) :]:
        axes.remove()
    for axes in panels[max(0, len(terms) - columns) : len(terms)]:
        axes.set_xlabel("step")
    figure.suptitle("Unweighted terms and weighted total: running medians, and pale the logged values", fontsize=12)
    lines = [Line2D([], [], label=name, **_style(number)) for number, name in enumerate(curves)]
    figure.legend(handles=lines, loc="outside lower center", ncols=min(6, len(lines)), frameon=False, handlelength=3)
    return figure


def running_median(values: pd.Series) -> pd.Series:
    """Median over a window about a twentieth of the curve long, centred, and shorter at the ends."""
    return values.rolling(1 + 2 * (len(values) // 40), center=True, min_periods=1).median()


def _draw(axes: Axes, term: str, curves: Mapping[str, pd.DataFrame]) -> None:
    values = _values(curves, term)
    positive = values[values > 0]
    logarithmic = (values >= 0).all() and positive.max() > 10**DECADES * positive.min()
    for number, (name, curve) in enumerate(curves.items()):
        # Exactly zero is a term that is switched off, in these steps or in this training: it has no line there.
        logged = curve[term].replace(0, np.nan)
        if logged.isna().all():
            continue
        # The more trainings, the paler: the medians have to stand out.
        for shown, alpha in ((logged, min(0.25, 1 / len(curves))), (running_median(logged).where(logged.notna()), 1.0)):
            axes.plot(curve["step"], shown, label=name, alpha=alpha, **_style(number))
    if logarithmic:
        axes.set_yscale("log")
    else:
        axes.ticklabel_format(axis="y", scilimits=(-2, 4))
    axes.set_title(term, fontsize=11)
    axes.grid(**GRID)
    axes.spines[["top", "right"]].set_visible(False)


def _style(number: int) -> dict[str, Any]:
    dashes = LINE_STYLES[number // len(COLOURS) % len(LINE_STYLES)]
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": dashes, "linewidth": 1.3}


def _columns(curves: Mapping[str, pd.DataFrame]) -> list[str]:
    """Terms in the order of their first appearance."""
    return [term for term in dict.fromkeys(name for curve in curves.values() for name in curve) if term not in NO_TERMS]


def _values(curves: Mapping[str, pd.DataFrame], term: str) -> Float[np.ndarray, "P"]:
    """The values of a term in all trainings that were evaluated."""
    values = np.concatenate([curve[term].to_numpy(dtype=np.float64) for curve in curves.values()])
    return values[~np.isnan(values)]

"""Curves of PCK against its threshold for every method: the numbers, and the plot."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator

from pipeline.base.errors import InputError
from pipeline.evaluation.pck import TABLE_ALPHA, is_correct
from pipeline.reporting.plot_style import COLOURS, GRID

ALPHAS = tuple(step / 200 for step in range(41))
"""Thresholds of the plot, 0 to 0.2."""
STYLES = {"MP": (0, (5, 2)), "Ours": "-", "w/o": "-"}
"""Line styles by the start of a method's name: MagicPony's variants dashed, ours solid."""
FEATURE_STYLE = (0, (1, 1.2))
"""Line style of the other methods, which are the features alone: dotted."""
MARKERS = ("", "o", "s", "^")
"""Markers: none on the first lines of a line style, then those of further lines, which find all colours taken."""


class PckCurve(NamedTuple):
    """PCK of one method at several thresholds."""

    alphas: Float[np.ndarray, "A"]
    """Thresholds, ascending."""
    values: Float[np.ndarray, "A"]
    """PCK in [0, 1]: share of correct keypoints of each pair, mean over a category's pairs, then over categories."""

    def at(self, alpha: float) -> float:
        """PCK at one threshold, interpolated."""
        return float(np.interp(alpha, self.alphas, self.values))


def pck_curve(points: Mapping[str, pd.DataFrame], alphas: Sequence[float] = ALPHAS) -> PckCurve:
    """Compute PCK of one method as in the tables: unweighted means over the pairs and over the categories.

    Args:
        points: by category, the points of the method (`pipeline.evaluation.result.Evaluation`).
        alphas: ascending.

    Raises:
        InputError: there is no category, or one without points.
    """
    empty = [category for category, table in points.items() if table.empty]
    if not points or empty:
        raise InputError(
            f"A curve of PCK needs scored pairs of each category; found none of {', '.join(empty) or 'any'}. "
            "Run the stages that score them: dvc repro."
        )
    curves = [_category_curve(table, alphas) for table in points.values()]
    return PckCurve(np.array(alphas, dtype=np.float64), np.mean(curves, axis=0))


def pck_csv(curves: Mapping[str, PckCurve]) -> str:
    """Write all curves in long form, columns `method`, `alpha` and `pck` in per cent, for DVC's plots.

    Raises:
        InputError: there is no curve.
    """
    _require(curves)
    tables = [
        pd.DataFrame({"method": name, "alpha": curve.alphas, "pck": 100 * curve.values})
        for name, curve in curves.items()
    ]
    return pd.concat(tables).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def pck_figure(curves: Mapping[str, PckCurve], simulated: bool) -> Figure:
    """Draw PCK in per cent against the threshold; the legend is ordered by the value at the tables' threshold.

    A method's line style tells MagicPony's variants, the features alone and ours apart (`line_style`).

    Args:
        curves: by the method's name.
        simulated: whether the title says that photographs, labels and features are simulated.

    Raises:
        InputError: there is no curve.
    """
    _require(curves)
    figure = Figure(figsize=(10, 6), layout="constrained")
    axes = figure.subplots()
    used: dict[object, int] = {}
    for name, curve in curves.items():
        style = line_style(name)
        number = used[style] = used.get(style, -1) + 1
        axes.plot(
            curve.alphas,
            100 * curve.values,
            gid=name,
            label=f"{100 * curve.at(TABLE_ALPHA):.1f}   {name}",
            color=COLOURS[number % len(COLOURS)],
            linestyle=style,
            linewidth=1.8,
            marker=MARKERS[number // len(COLOURS) % len(MARKERS)],
            markevery=5,
            markersize=5,
        )
    axes.axvline(TABLE_ALPHA, color="#444444", linewidth=0.8, zorder=1.8)
    limits = {"xlim": (0, max(curve.alphas[-1] for curve in curves.values())), "ylim": (0, 100)}
    axes.set(xlabel="threshold alpha, as a share of the longer side of the target's box", ylabel="PCK in %", **limits)
    axes.set_title(f"Correct keypoints on SPair-71k's pairs{' (simulated data)' if simulated else ''}", loc="left")
    axes.xaxis.set_major_locator(MultipleLocator(0.05))
    axes.grid(**GRID)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(
        handles=sorted(axes.get_lines()[: len(curves)], key=lambda line: -curves[str(line.get_gid())].at(TABLE_ALPHA)),
        loc="outside right upper",
        frameon=False,
        handlelength=3.5,
        title=f"PCK@{TABLE_ALPHA:g} in %",
        alignment="left",
    )
    return figure


def line_style(name: str) -> object:
    """Matplotlib's line style for a method: dashed for MagicPony's variants, dotted for features, solid for ours."""
    return next((style for start, style in STYLES.items() if name.startswith(start)), FEATURE_STYLE)


def _category_curve(points: pd.DataFrame, alphas: Sequence[float]) -> Float[np.ndarray, "A"]:
    """Mean over the pairs of each pair's share of correct keypoints, at each threshold."""
    errors, sides = points["error"].to_numpy(), points["box_side"].to_numpy()
    correct = pd.DataFrame({alpha: is_correct(errors, sides, alpha) for alpha in alphas})
    return correct.groupby(points["pair"].to_numpy()).mean().mean().to_numpy(dtype=np.float64)


def _require(curves: Mapping[str, PckCurve]) -> None:
    if not curves:
        raise InputError("A plot of PCK needs the curve of one method or more; found none. Name it in params.yaml.")

"""Style of all plots: colours that colour-blind readers can tell apart, and PNG files with equal bytes."""

import io

from matplotlib.figure import Figure

DPI = 100
COLOURS = ("#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
"""Okabe and Ito's palette without its yellow, which is too faint on white."""
GRID = {"color": "#dddddd", "linewidth": 0.6}


def to_png(figure: Figure) -> bytes:
    """Render the figure as a PNG file; equal figures give equal bytes."""
    stream = io.BytesIO()
    # The name and version of the software would change the bytes, not the picture.
    figure.savefig(stream, format="png", dpi=DPI, metadata={"Software": None})
    return stream.getvalue()

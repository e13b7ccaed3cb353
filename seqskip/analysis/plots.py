"""Pictures of gradient decay. Nothing is measured here."""

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from seqskip.analysis.curve import Curve

# Okabe & Ito's palette: told apart by colour-blind readers, and by its lightness in print.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"


def plot_curve(ax: Axes, curve: Curve, **line: Any) -> None:
    """Draw the norm relative to its start over the lag, on a logarithmic axis that has no smallest number."""
    decades = (curve.log_norm - curve.start) / math.log(10)
    lags = np.flatnonzero(np.isfinite(decades))
    ax.plot(lags, decades[lags], **line)
    ax.set_xlabel("lag n (time steps back)")
    ax.set_ylabel("‖∂L/∂h$_{T-n}$‖ relative to its start")
    ax.yaxis.set_major_formatter(FuncFormatter(lambda decade, _: f"$10^{{{decade:g}}}$"))


def mark_lag(ax: Axes, lag: int) -> None:
    """Draw a line at the lag over which a task must remember."""
    ax.axvline(lag, color=GREY, linestyle=":", linewidth=1.2)
    ax.annotate(
        f"the task's lag, {lag}",
        (lag, 0.3),
        xycoords=("data", "axes fraction"),
        xytext=(-4, 0),
        textcoords="offset points",
        rotation=90,
        ha="right",
        color=GREY,
    )

"""Gradient decay while a model trains: lag or time against the training step."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from seqskip.analysis.curve import Curve
from seqskip.analysis.plots.style import BLUE, GREY, LN10

Array = npt.NDArray[np.float64]
FLOOR = -12.0  # decades below the start that are still told apart


def plot_training(
    steps: Sequence[int],
    log_norms: Sequence[Array],
    losses: Sequence[float],
    *,
    window: int = 1,
    lag: int | None = None,
    title: str = "",
) -> Figure:
    """Draw the norm over lag (up) and training step (right), and the loss below.

    Args:
        steps: training steps of the measurements, ascending.
        log_norms: log norms over the lag at each of them, nats, each (N,).
        losses: the training loss at each of them; nan where it is not known.
        window: `Curve.window` of the curves: the largest norm of so many lags is drawn.
        lag: what the task needs, steps: marked.
        title: of the picture.

    Raises:
        ValueError: these are not equally many, or the log norms not equally long or too short for the window.
    """
    curves = _curves(steps, log_norms, losses, window)
    decades = np.array([(curve.envelope() - curve.start) / LN10 for curve in curves]).T
    figure, (ax, below) = _two(title)
    image = _map(ax, steps, np.clip(decades, FLOOR, None), cmap="viridis", vmin=FLOOR, vmax=max(0.0, _top(decades)))
    figure.colorbar(image, ax=ax, label="norm relative to its start, power of ten", extend="min")
    if lag is not None:
        seen: dict[str, Any] = {"color": "white", "path_effects": [withStroke(linewidth=3, foreground="#333333")]}
        ax.axhline(lag, linestyle=":", linewidth=1.5, **seen)
        ax.annotate(f"the task's lag, {lag}", (0.01, lag), xycoords=("axes fraction", "data"), va="bottom", **seen)
    ax.set_ylabel("lag n (time steps back)")
    _losses(below, steps, losses)
    return figure


def plot_local_ratio(
    steps: Sequence[int], log_norms: Sequence[Array], losses: Sequence[float], *, window: int = 1, title: str = ""
) -> Figure:
    """Draw where in time the gradient dies: ln(‖∂L/∂h_t‖ / ‖∂L/∂h_{t+1}‖), nats per step, over time and training step.

    Pascanu et al. (2013), eq. 9, measure this ratio. Time runs up to the step T of the answer; with skips it is the
    slope of the envelope over a window. Blue is decay, red is growth.

    Args:
        steps, log_norms, losses, window, title: as in `plot_training`.
    """
    curves = _curves(steps, log_norms, losses, window)
    ratios = np.array([_slopes(curve) for curve in curves]).T[::-1]  # the last lag is the first time step
    finite = ratios[np.isfinite(ratios)]
    limit = max(1e-3, float(np.quantile(np.abs(finite), 0.98))) if len(finite) else 1.0
    figure, (ax, below) = _two(title)
    image = _map(ax, steps, ratios, cmap="RdBu_r", norm=TwoSlopeNorm(0, -limit, limit))
    figure.colorbar(image, ax=ax, label="ln of the norm's ratio, per time step", extend="both")
    ax.set_ylabel("time step t")
    _losses(below, steps, losses)
    return figure


def _slopes(curve: Curve) -> Array:
    """Return the change of the log norm from one lag to the next; over a window of lags where there are skips."""
    envelope = np.where(np.isneginf(curve.envelope()), np.nan, curve.envelope())
    width = curve.window
    found: Array = (envelope[width:] - envelope[:-width]) / width
    return found


def _curves(steps: Sequence[int], log_norms: Sequence[Array], losses: Sequence[float], window: int) -> list[Curve]:
    if not len(steps) or len(steps) != len(log_norms):
        raise ValueError(
            f"steps and log_norms must be equally many, at least one, got {len(steps)} and {len(log_norms)}"
        )
    if len(losses) != len(steps):
        raise ValueError(
            f"losses must be one for each of the {len(steps)} steps, got {len(losses)}; give nan where it is not known"
        )
    if len({len(each) for each in log_norms}) > 1 or len(log_norms[0]) <= 2 * window:
        lengths = sorted({len(each) for each in log_norms})
        raise ValueError(f"log_norms must be equally long, more than two windows of {window}, got lengths {lengths}")
    return [Curve(np.asarray(each, dtype=float), window) for each in log_norms]


def _two(title: str) -> tuple[Figure, tuple[Axes, Axes]]:
    figure = Figure(figsize=(7.0, 5.0), layout="constrained", dpi=120)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    upper.set_title(title)
    return figure, (upper, lower)


def _map(ax: Axes, steps: Sequence[int], values: Array, **look: Any) -> Any:
    """Draw a column for each training step, half way to its neighbours; the axis ends at the first and the last."""
    middles = np.asarray(steps, dtype=float)
    edges = (middles[1:] + middles[:-1]) / 2
    half = 0.5 if len(middles) == 1 else 0.0
    x = np.concatenate(([middles[0] - half], edges, [middles[-1] + half]))
    ax.set_facecolor("#cccccc")  # where no path leads
    return ax.pcolormesh(x, np.arange(len(values) + 1), np.ma.masked_invalid(values), rasterized=True, **look)


def _losses(ax: Axes, steps: Sequence[int], losses: Sequence[float]) -> None:
    ax.plot(steps, losses, color=BLUE, marker=".", linewidth=1.2, clip_on=False)
    known = [loss for loss in losses if math.isfinite(loss)]
    if known and min(known) > 0 and max(known) > 20 * min(known):
        ax.set_yscale("log")
    if not known:
        ax.annotate("no loss was kept", (0.5, 0.5), xycoords="axes fraction", ha="center", color=GREY)
    ax.set_xlabel("training step")
    ax.set_ylabel("loss")
    ax.grid(alpha=0.25)


def _top(values: Array) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.max()) if len(finite) else 0.0

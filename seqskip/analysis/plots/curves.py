"""Curves of gradient decay over lag."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from seqskip.analysis.curve import Curve
from seqskip.analysis.decay import Decay
from seqskip.analysis.plots.style import COLOURS, GREY, LN10, MARKERS, axes_of, finish, in_decades

OF = {"h": "h", "c": "c", "state": "s", "pre": "a", "x": "x"}  # variables in formulas


def plot_curve(ax: Axes, curve: Curve, **line: Any) -> None:
    """Draw the norm relative to its start over the lag, on a logarithmic axis that has no smallest number."""
    decades = (curve.log_norm - curve.start) / LN10
    lags = np.flatnonzero(np.isfinite(decades))
    ax.plot(lags, decades[lags], **line)
    ax.set_xlabel("lag n (time steps back)")
    ax.set_ylabel("‖∂L/∂h$_{T-n}$‖ relative to its start")
    in_decades(ax)


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
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 1.0},
    )


def plot_decays(
    decays: Mapping[str, Decay],
    *,
    lag: int | None = None,
    multiples: Sequence[int] = (),
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the decay of several models: the mean of each, its 95 % ribbon, and theory, where it was measured.

    What was measured is solid, with the model's colour and marker; theory is thin and dashed, with both, hollow.

    Args:
        decays: by the name of the model.
        lag: what the task needs, steps: marked.
        multiples: delays whose multiples are marked on the lower edge, a row for each.
        title: of the picture.
        ax: axes to draw on, by default those of a new figure.
    """
    if not decays:
        raise ValueError("decays must hold at least one model, got none")
    ax, drawn = axes_of(ax, (8.4, 4.2)), list(zip(_labels(decays), decays.values(), _looks(), strict=False))
    for label, decay, look in drawn:
        _ribbon(ax, decay, look["color"])
        plot_curve(ax, decay.stack, label=label, linewidth=1.6, **look)
    limits = ax.get_ylim()
    for label, decay, look in drawn:
        if decay.log_bound is not None:
            _theory(ax, label, decay, look)
    ax.set_ylim(limits[0], max(limits[1], 1.0))  # a bound that leaves the picture is cut off
    for row, d in enumerate(multiples):
        _mark_multiples(ax, d, row)
    if lag is not None:
        mark_lag(ax, lag)
    symbols = {symbol(decay) for decay in decays.values()}
    ax.set_ylabel(f"{symbols.pop() if len(symbols) == 1 else 'norm'} relative to its start")
    finish(ax, title)
    ax.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    return ax


def symbol(decay: Decay) -> str:
    """Return what was measured as a formula."""
    top = "L" if decay.norm == "loss" else {"c": "c$_T$", "state": "s$_T$"}.get(decay.wrt, "h$_T$")
    kind = "" if decay.norm == "loss" else f", {decay.norm} norm,"
    return f"‖∂{top}/∂{OF[decay.wrt]}$_{{T-n}}$‖{kind}"


def _labels(decays: Mapping[str, Decay]) -> list[str]:
    """Return the names of the models, with what was measured where that differs."""
    differ = len({symbol(decay) for decay in decays.values()}) > 1
    return [f"{name}, {symbol(decay).rstrip(',')}" if differ else name for name, decay in decays.items()]


def _looks() -> Iterator[dict[str, Any]]:
    """Give colour and marker of one model after the other, the markers of each at other lags."""
    n = 0
    while True:
        shift = 0.02 * (n % 5)
        look = {"color": COLOURS[n % len(COLOURS)], "marker": MARKERS[n % len(MARKERS)], "markersize": 4.5}
        yield look | {"markevery": (shift, 0.1)}
        n += 1


def _ribbon(ax: Axes, decay: Decay, colour: str) -> None:
    """Draw between which curves 95 % of the means over as many seeds, or samples, would lie."""
    low, high = (decay.interval() - decay.stack.start) / LN10
    lags = np.flatnonzero(np.isfinite(low))
    ax.fill_between(lags, low[lags], high[lags], color=colour, alpha=0.2, linewidth=0)


def _theory(ax: Axes, label: str, decay: Decay, look: dict[str, Any]) -> None:
    """Draw what theory says in the units of the measurement."""
    curve, start = decay.bound().stack, decay.stack.start
    decades = (curve.log_norm - start) / LN10
    lags = np.flatnonzero(np.isfinite(decades))
    line: dict[str, Any] = {"linestyle": (0, (4, 3)), "linewidth": 0.9, "markerfacecolor": "white"}
    ax.plot(lags, decades[lags], label=f"{label}, {decay.bound_name}", **look, **line)


def _mark_multiples(ax: Axes, d: int, row: int) -> None:
    """Draw a short tick at each multiple of a delay, up to a few dozen, in a row of its own, named at its end."""
    last, height = int(ax.get_xlim()[1]), 0.02 + 0.04 * row
    marks = range(d, last + 1, d * max(1, last // (40 * d)))
    ax.plot(marks, [height] * len(marks), "|", color=GREY, markersize=6, transform=ax.get_xaxis_transform())
    place: dict[str, Any] = {"xycoords": "axes fraction", "va": "center", "fontsize": "x-small"}
    ax.annotate(f" multiples of {d}", (1.0, height), color=GREY, **place)

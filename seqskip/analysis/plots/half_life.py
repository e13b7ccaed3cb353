"""The half-life against the delay, measured beside theory."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes

from seqskip.analysis.plots.style import COLOURS, LINES, MARKERS, axes_of, finish


@dataclass(frozen=True)
class HalfLives:
    """The half-lives of one kind of net at some delays.

    Attributes:
        delays: d of the delays 1 and d, ascending.
        measured: steps, at each of them.
        intervals: the 95 % interval of each, or () for none.
        theory: steps, at each of them; () where there is none.
    """

    delays: Sequence[int]
    measured: Sequence[float]
    intervals: Sequence[tuple[float, float]] = ()
    theory: Sequence[float] = ()


def plot_half_lives(nets: Mapping[str, HalfLives], *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw half-lives against the delay, both logarithmic: what was measured as points, theory as dashed lines.

    Args:
        nets: by name.
        title: of the picture.
        ax: axes to draw on, by default those of a new figure.
    """
    if not nets:
        raise ValueError("nets must hold at least one, got none")
    ax = axes_of(ax)
    for n, (name, lives) in enumerate(nets.items()):
        colour = COLOURS[n % len(COLOURS)]
        if lives.theory:
            ax.plot(lives.delays, lives.theory, linestyle="--", color=colour, linewidth=1.2, label=f"{name}, theory")
        line = "" if lives.theory else LINES[n % len(LINES)]
        look: dict[str, Any] = {"marker": MARKERS[n % len(MARKERS)], "linestyle": line, "color": colour}
        ax.plot(lives.delays, lives.measured, label=f"{name}, measured", markersize=5, **look)
        if lives.intervals:
            low, high = zip(*lives.intervals, strict=True)
            ax.fill_between(lives.delays, low, high, color=colour, alpha=0.2, linewidth=0)
    delays = sorted({d for lives in nets.values() for d in lives.delays})
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(delays, [str(d) for d in delays])
    ax.set_xlabel("delay d of the delays 1 and d (time steps)")
    ax.set_ylabel("half-life of the gradient (time steps)")
    finish(ax, title)
    return ax

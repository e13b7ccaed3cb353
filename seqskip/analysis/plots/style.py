"""What all pictures share: colours that everybody can tell apart, lines for print, axes in decades."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

LN10 = math.log(10)
# Okabe & Ito's palette: told apart by colour-blind readers; in print the lines and markers tell them apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#555555"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES: tuple[Any, ...] = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))
MARKERS = "osD^vPX"


def looks() -> Iterator[dict[str, Any]]:
    """Give the colour and the line of one curve after the other."""
    n = 0
    while True:
        yield {"color": COLOURS[n % len(COLOURS)], "linestyle": LINES[n % len(LINES)]}
        n += 1


def axes_of(ax: Axes | None, size: tuple[float, float] = (7.0, 4.2)) -> Axes:
    """Return the axes to draw on: those given, or those of a new figure."""
    return Figure(figsize=size, layout="constrained", dpi=120).subplots() if ax is None else ax


def save(ax: Axes, path: str | Path) -> None:
    """Write the whole picture that axes are part of, in the format of the path's ending; its folder is made.

    Raises:
        ValueError: the axes have been removed from their figure, or matplotlib has no such format.
    """
    figure = ax.get_figure(root=True)
    if figure is None:
        raise ValueError("ax must be part of a figure to be saved, and has been removed from it")
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def in_decades(ax: Axes) -> None:
    """Label a vertical axis of powers of ten."""
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda decade, _: f"$10^{{{decade:g}}}$"))


def finish(ax: Axes, title: str = "") -> None:
    """Draw a faint grid and, where something has a label, a legend."""
    ax.grid(alpha=0.25)
    if title:
        ax.set_title(title)
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", framealpha=0.9)

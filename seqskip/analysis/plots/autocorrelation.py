"""How shattered the gradients of nets are."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from seqskip.analysis.plots.style import GREY, LINES, MARKERS, finish, looks
from seqskip.analysis.shattering import Shattering


def plot_shattering(found: Mapping[str, Shattering], *, title: str = "") -> Figure:
    """Draw each net's gradient along the line of inputs, and the autocorrelations beside white and brown noise.

    Args:
        found: by the name of the net.
        title: of the picture.
    """
    if not found:
        raise ValueError("found must hold at least one net, got none")
    figure = Figure(figsize=(9.0, 1.2 + 1.3 * max(2, len(found))), layout="constrained", dpi=120)
    panels = figure.subplot_mosaic([[f"gradient {n}", "correlation"] for n in range(len(found))], width_ratios=(1, 1.1))
    right = panels["correlation"]
    for n, ((name, one), look, marker) in enumerate(zip(found.items(), looks(), MARKERS * len(found), strict=False)):
        left = panels[f"gradient {n}"]
        left.plot(one.grid, one.gradient / max(np.abs(one.gradient).max(), 1e-300), color=look["color"], linewidth=0.9)
        left.set_ylabel(name + (" (collapsed)" if one.collapsed else ""), fontsize="small")
        left.set_yticks([-1, 0, 1])
        left.set_ylim(-1.1, 1.1)
        left.grid(alpha=0.25)
        right.plot(one.autocorrelation, label=name, marker=marker, markersize=4, **look)
    panels["gradient 0"].set_title("gradient, relative to its largest", fontsize="medium")
    left.set_xlabel("input x")
    last = next(iter(found.values()))
    for noise, line, label in ((last.white, LINES[4], "white noise"), (last.brown, LINES[1], "brown noise")):
        right.plot(noise, color=GREY, linestyle=line, linewidth=1, label=label)
    right.set_xlabel("grid steps k")
    right.set_ylabel("autocorrelation R(k)")
    finish(right, title)
    return figure

"""The gradient from layer to layer."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from seqskip.analysis.depth import DepthGradients
from seqskip.analysis.plots.style import LN10, MARKERS, axes_of, finish, in_decades, looks


def plot_depth(nets: Mapping[str, DepthGradients], *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw ‖∂L/∂z_l‖ of each net against the layer l, from the input, 0, to the top, on an axis of powers of ten.

    Args:
        nets: by name.
        title: of the picture.
        ax: axes to draw on, by default those of a new figure.
    """
    if not nets:
        raise ValueError("nets must hold at least one, got none")
    ax = axes_of(ax)
    for (name, found), look, marker in zip(nets.items(), looks(), MARKERS * len(nets), strict=False):
        decades = found.log_norm / LN10
        layers = np.flatnonzero(np.isfinite(decades))
        ax.plot(layers, decades[layers], label=name, marker=marker, markersize=3.5, markevery=0.1, **look)
    ax.set_xlabel("layer l (0 is the input)")
    ax.set_ylabel("‖∂L/∂z$_l$‖")
    in_decades(ax)
    finish(ax, title)
    return ax

"""Singular values of the Jacobian over a lag."""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from seqskip.analysis.finite_time import FiniteTime
from seqskip.analysis.plots.style import LN10, MARKERS, axes_of, finish, in_decades, looks


def plot_spectrum(spectra: Mapping[str, FiniteTime], *, title: str = "", ax: Axes | None = None) -> Axes:
    """Draw σ_i of ∂s_T/∂s_{T-n} in falling order, a line for each model or lag; s is the augmented state.

    Where they fall steeply, next to all of the gradient lies in a few directions.

    Args:
        spectra: by name, as `finite_time_exponents` measures them; the mean over samples and windows is drawn.
        title: of the picture.
        ax: axes to draw on, by default those of a new figure.
    """
    if not spectra:
        raise ValueError("spectra must hold at least one, got none")
    ax = axes_of(ax)
    for (name, found), look, marker in zip(spectra.items(), looks(), MARKERS * len(spectra), strict=False):
        decades = found.exponents * found.lag / LN10
        numbers = np.flatnonzero(np.isfinite(decades))
        label = f"{name}, lag {found.lag}"
        ax.plot(numbers + 1, decades[numbers], label=label, marker=marker, markersize=3.5, linewidth=1.2, **look)
    ax.axhline(0, color="black", linewidth=0.6)
    ax.set_xlabel("number i, by size")
    ax.set_ylabel("singular value σ$_i$ of ∂s$_T$/∂s$_{T-n}$")
    in_decades(ax)
    finish(ax, title)
    return ax

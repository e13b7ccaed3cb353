"""The picture of a study."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from seqskip.analysis import Decay
from seqskip.cli.gradients.spread import ribbon
from seqskip.cli.gradients.study import Study

# Okabe & Ito's palette, told apart by colour-blind readers; each with a line of its own for print.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
LINES = ("-", "--", "-.", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)))


def draw(path: Path, study: Study, decays: Sequence[Decay]) -> None:
    """Draw the decay of every net with its spread, and the lag that they must reach."""
    # Drawing is what matplotlib is imported for, and nothing else.
    from matplotlib.figure import Figure

    from seqskip.analysis.plots import mark_lag, plot_curve

    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    ax = figure.subplots()
    for n, (subject, decay) in enumerate(zip(study.subjects, decays, strict=True)):
        colour = COLOURS[n % len(COLOURS)]
        low, high = ribbon(decay) / math.log(10)
        lags = np.flatnonzero(low > -1e299)  # where a path leads
        ax.fill_between(lags, low[lags], high[lags], color=colour, alpha=0.2, linewidth=0)
        name = f"{study.kind} {subject.name}" if study.kind == "delays" else subject.name
        plot_curve(ax, decay.stack, label=name, linestyle=LINES[n % len(LINES)], linewidth=1.2, color=colour)
    mark_lag(ax, study.lag)
    ax.set_ylabel(f"{_symbol(decays[0])} relative to its start")
    ax.set_title(study.title)
    ax.grid(alpha=0.25)
    ax.legend()
    figure.savefig(path, dpi=150)


def _symbol(decay: Decay) -> str:
    """Return what was measured as a formula."""
    of = {"h": "h", "c": "c", "state": "s", "pre": "a", "x": "x"}[decay.wrt]
    top = "L" if decay.norm == "loss" else {"c": "c$_T$", "state": "s$_T$"}.get(decay.wrt, "h$_T$")
    return f"‖∂{top}/∂{of}$_{{T-n}}$‖" + ("" if decay.norm == "loss" else f", {decay.norm} norm,")

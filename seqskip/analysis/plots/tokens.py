"""Which inputs an answer listens to."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from seqskip.analysis.curve import mean_of_logs
from seqskip.analysis.decay import Decay
from seqskip.analysis.plots.style import BLUE, LN10, axes_of, finish, in_decades

FEW = 60  # tokens that can be labelled one by one


def plot_tokens(
    decay: Decay,
    tokens: Sequence[object] | None = None,
    *,
    sample: int = 0,
    layer: int = 0,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw ‖∂L/∂x_t‖ for each time step of one sample: how sensitive the answer is to each token.

    Args:
        decay: measured with wrt="x".
        tokens: labels of the steps, up to the step of the answer.
        sample: its number in the batch.
        layer: whose input; 0 is the lowest.
        title: of the picture.
        ax: axes to draw on, by default those of a new figure.

    Raises:
        ValueError: the decay is of something else, has no such sample or layer, or there are not as many tokens as
            steps.
    """
    if decay.wrt != "x":
        raise ValueError(f"decay must be measured with wrt='x', got wrt={decay.wrt!r}")
    log_norm = mean_of_logs(decay.select(layer=layer, sample=sample, answer=-1))[::-1]  # by time
    steps = np.arange(len(log_norm))
    if tokens is not None and len(tokens) != len(steps):
        raise ValueError(f"tokens must be as many as steps up to the answer, {len(steps)}, got {len(tokens)}")
    ax, decades = axes_of(ax, (8.0, 3.2)), log_norm / LN10
    there = np.isfinite(decades)
    floor = decades[there].min() - 0.5 if there.any() else -1.0
    ax.bar(steps[there], decades[there] - floor, bottom=floor, color=BLUE, width=0.9 if len(steps) <= FEW else 1.0)
    if tokens is not None and len(steps) <= FEW:
        ax.set_xticks(steps, [str(token) for token in tokens], rotation=90, fontsize="small")
    ax.set_xlabel("time step t" if tokens is None else "token")
    ax.set_ylabel("‖∂L/∂x$_t$‖")
    in_decades(ax)
    finish(ax, title)
    return ax

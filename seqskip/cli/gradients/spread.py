"""How far measurements of one kind of net lie apart, over its initialisations or, of a single net, over samples."""

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from seqskip.analysis import Decay

Array = npt.NDArray[np.float64]
INSIDE = (2.5, 97.5)  # per cent, of an interval
DRAWS = 2000  # of the bootstrap


def parts(decay: Decay) -> list[Decay]:
    """Cut a decay into what was drawn independently: its initialisations, or the samples of a single one."""
    axis = 0 if decay.log_norm.shape[0] > 1 else 2
    pieces = np.split(decay.log_norm, decay.log_norm.shape[axis], axis)
    return [replace(decay, log_norm=piece) for piece in pieces]


def half_life_interval(decay: Decay) -> tuple[float, float]:
    """Return the 95 % interval of the half-life, steps: a bootstrap of the mean rate over `parts`.

    inf where the rates do not rule out that nothing decays; nan for a single part, or without a fit.
    """
    rates = np.array([part.rate for part in parts(decay)])
    if len(rates) < 2 or not np.isfinite(rates).all():
        return math.nan, math.nan
    drawn = np.random.default_rng(0).choice(rates, (DRAWS, len(rates))).mean(1)
    low, high = (math.inf if rate >= 0 else -math.log(2) / float(rate) for rate in np.percentile(drawn, INSIDE))
    return low, high


def ribbon(decay: Decay) -> Array:
    """Return the interval between which the log norms of 95 % of the `parts` lie, relative to their start, (2, N)."""
    curves = [part.stack for part in parts(decay)]
    relative = np.array([curve.log_norm - curve.start for curve in curves])
    found: Array = np.percentile(np.nan_to_num(relative, neginf=-1e300), INSIDE, axis=0)
    return found

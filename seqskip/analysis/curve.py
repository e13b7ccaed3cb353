"""A gradient over lag: numbers, fit, half-life, horizon."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FEWEST = 4  # windows: two numbers are fitted, and two laws compared
SEVERAL = 8  # windows among the lags: from so many on `trend` sums pulses up


@dataclass(frozen=True, eq=False)
class Curve:
    """log‖∂L/∂h_{T-n}‖ over the lag n, of one layer or of a whole stack.

    Attributes:
        log_norm: natural log of the norm at the lags n = 0, 1, ..., (N,); -inf where no path leads.
        window: lags among which at least one path arrives: a pure delay d has exact zeros at the lags that d
            does not divide, so rates are fitted to the largest norm of each window. A whole stack's is as wide as its
            largest delay, where its norm comes in pulses, or as fits into the lags eight times: see `window_of`.
    """

    log_norm: Array
    window: int

    def envelope(self) -> Array:
        """Return the largest log norm of the `window` lags from each lag on, (N - window + 1,)."""
        width = min(self.window, len(self.log_norm))
        windows: Array = np.lib.stride_tricks.sliding_window_view(self.log_norm, width)
        largest: Array = windows.max(1)
        return largest

    @property
    def start(self) -> float:
        """The log norm against which a decay is measured: the first of the envelope that is not -inf."""
        envelope = self.envelope()
        return float(next((value for value in envelope if np.isfinite(value)), -math.inf))

    def trend(self) -> tuple[Array, Array]:
        """Return lags and the log norms round them, where a path arrives: see `trend`."""
        lags, found = trend(self.log_norm, self.window)
        keep = settled(found)
        return lags[keep], found[keep]

    @property
    def rate(self) -> float:
        """Slope of the log norm over lag, nats per step, by least squares through `trend`.

        nan where too few windows are left for that: `fit` says how many are needed.
        """
        lags, trend = self.trend()
        return math.nan if len(lags) < FEWEST else float(np.polyfit(lags, trend, 1)[0])

    @property
    def half_life(self) -> float:
        """Lags after which the fitted norm has halved, -ln 2 / rate; inf where nothing decays, nan without a rate."""
        rate = self.rate
        return math.inf if rate >= 0 else -math.log(2) / rate

    @property
    def effective_memory(self) -> float:
        """The mean lag, Σ n g(n) / Σ g(n), steps, over single lags; nan where no gradient arrives."""
        there = np.flatnonzero(np.isfinite(self.log_norm))
        if not len(there):
            return math.nan
        share = np.exp(self.log_norm[there] - self.log_norm[there].max())
        return float((there * share).sum() / share.sum())

    def horizon(self, k: float) -> float:
        """Return the first lag from which on the norm stays below 10^-k of its start: after the last crossing.

        Single lags count, so that a pulse is not lost, and dips between two pulses are not taken for the end:
        inf where the last window measured is not below; 0 where there is no gradient at all.
        """
        least = self.start - decades("k", k) * math.log(10)
        above = np.flatnonzero(np.isfinite(self.log_norm) & (self.log_norm >= least))
        if len(above) == 0:
            return 0.0
        last = int(above[-1])
        return math.inf if last + self.window >= len(self.log_norm) else float(last + 1)


def decades(name: str, value: object) -> float:
    """Return `value` if it is a number of decades above 0, else raise ValueError."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float | np.integer | np.floating)
        or not 0 < value < math.inf
    ):
        raise ValueError(f"{name} must be a number above 0, got {value!r}; 6 means 10^-6")
    return float(value)


def window_of(windows: Sequence[int], lags: int) -> int:
    """Return the window in which the curve of a whole stack is read over so many lags, steps.

    It is the largest delay: where one layer has a path the stack has one, but most of the gradient comes in pulses, one
    for each hop of the longest delay. It is no wider than fits into the lags eight times, for a law to be
    told and a lag to be more than a window, and no narrower than the lags among which a path arrives.

    Args:
        windows: the longest delay of each layer.
        lags: how many lags are looked at.
    """
    return max(min(windows), min(max(windows), lags // SEVERAL))


def mean_of_logs(log_norm: Array) -> Array:
    """Return the log of the geometric mean over the first axis of those norms that are not zero; -inf where all are."""
    there = np.isfinite(log_norm)
    count = there.sum(0)
    total = np.where(there, log_norm, 0.0).sum(0)
    zero = np.isneginf(log_norm).any(0)
    found: Array = np.where(count > 0, total / np.maximum(count, 1), np.where(zero, -np.inf, np.nan))
    return found


def trend(log_norm: Array, window: int) -> tuple[Array, Array]:
    """Return lags, (M,), and the logs of what arrives round them, (..., M), to which laws are fitted.

    With skips the norm comes in pulses, one per delay, that take thousands of lags to run into each other, and the
    largest of a pulse falls faster than the pulse as a whole. So it is summed, with the weights of a Hann window over
    up to eight of `window`, from one `window` to the next; a curve of under eight takes the largest of each.

    Args:
        log_norm: (..., N).
        window: lags among which at least one path arrives.
    """
    norms = np.where(np.isnan(log_norm), -np.inf, log_norm)
    count = norms.shape[-1] // window
    several = min(8, count // 4) if count >= SEVERAL else 1
    width = several * window
    if width > norms.shape[-1]:
        return np.empty(0), np.empty((*norms.shape[:-1], 0))
    spans = np.lib.stride_tricks.sliding_window_view(norms, width, -1)[..., ::window, :]
    lags = np.arange(spans.shape[-2]) * window + (width - 1) / 2
    if several == 1:
        return lags, spans.max(-1)
    return lags, np.logaddexp.reduce(spans + np.log(np.hanning(width + 2)[1:-1]), axis=-1)


def settled(found: Array) -> npt.NDArray[np.bool_]:
    """Return which of the log norms of a trend, (M,), are to be fitted: finite ones.

    The first quarter, where delay lines fill and the norm is no exponential yet, is left out where two remain.
    """
    there = np.isfinite(found)
    late = there & (np.arange(len(found)) >= len(found) // 4)
    return late if np.count_nonzero(late) >= 2 else there

"""A gradient over lag: numbers, fit, half-life, horizon."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """log‖∂L/∂h_{T-n}‖ over the lag n, of one layer or of a whole stack.

    Attributes:
        log_norm: natural log of the norm at the lags n = 0, 1, ..., (N,); -inf where no path leads.
        window: lags among which at least one path arrives: a pure delay d has exact zeros at the lags that d
            does not divide, so rates are fitted to the largest norm of each window.
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

    def peaks(self) -> tuple[npt.NDArray[np.int64], Array]:
        """Return the largest log norm of each window and its lag, where a path arrives, to be fitted.

        The first quarter, where delay lines fill and the norm is no exponential yet, is left out where two windows
        remain.
        """
        count = len(self.log_norm) // self.window
        windows = self.log_norm[: count * self.window].reshape(count, self.window)
        windows = np.where(np.isnan(windows), -np.inf, windows)
        peaks, lags = windows.max(1), np.arange(count) * self.window + windows.argmax(1)
        keep = np.isfinite(peaks)
        late = keep & (np.arange(count) >= count // 4)
        keep = late if np.count_nonzero(late) >= 2 else keep
        return lags[keep], peaks[keep]

    @property
    def rate(self) -> float:
        """Slope of the log norm over lag, nats per step; nan with under two windows in which a path arrives.

        Least squares through `peaks`.
        """
        lags, peaks = self.peaks()
        return math.nan if len(lags) < 2 else float(np.polyfit(lags, peaks, 1)[0])

    @property
    def half_life(self) -> float:
        """Lags after which the fitted norm has halved, -ln 2 / rate; inf where it does not decay."""
        rate = self.rate
        return math.inf if rate >= 0 else -math.log(2) / rate

    @property
    def effective_memory(self) -> float:
        """The mean lag, Σ n g(n) / Σ g(n), steps; nan where no gradient arrives."""
        there = np.flatnonzero(np.isfinite(self.log_norm))
        if not len(there):
            return math.nan
        share = np.exp(self.log_norm[there] - self.log_norm[there].max())
        return float((there * share).sum() / share.sum())

    def horizon(self, k: float) -> float:
        """Return the first lag from which on the norm stays below 10^-k of its start.

        inf where the last window measured is not below; 0 where there is no gradient at all.
        """
        if not math.isfinite(k) or k <= 0:
            raise ValueError(f"k must be a positive number of decades, got {k!r}")
        above = np.flatnonzero(np.isfinite(self.log_norm) & (self.log_norm >= self.start - k * math.log(10)))
        if len(above) == 0:
            return 0.0
        last = int(above[-1])
        return math.inf if last + self.window >= len(self.log_norm) else float(last + 1)


def mean_of_logs(log_norm: Array) -> Array:
    """Return the log of the geometric mean over the first axis of those norms that are not zero; -inf where all are."""
    there = np.isfinite(log_norm)
    count = there.sum(0)
    total = np.where(there, log_norm, 0.0).sum(0)
    zero = np.isneginf(log_norm).any(0)
    found: Array = np.where(count > 0, total / np.maximum(count, 1), np.where(zero, -np.inf, np.nan))
    return found

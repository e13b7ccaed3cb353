"""The law by which a gradient decays over lag: exponential, power law, or none that can be told."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqskip.analysis.curve import FEWEST, mean_of_logs, settled, trend

Array = npt.NDArray[np.float64]
NAN = (math.nan, math.nan)
DRAWS = 1000  # of the bootstrap
DECISIVE = 10  # difference of two information criteria (Burnham & Anderson 2002, section 2.6)
TINY = 1e-20  # a sum of squares that is rounding
LEAST_R_SQUARED = 0.25  # below it the norm has no trend worth a number


@dataclass(frozen=True)
class Fit:
    """A law fitted to the log norm over the lag n.

    Attributes:
        kind: "exponential", log g = α + rate · n; "power", log g = α + exponent · ln n; or "none".
        rate: nats per step, negative where it decays; nan if not exponential.
        exponent: of the power law; nan if there is none.
        half_life: -ln 2 / rate, steps; inf where nothing decays; nan where no exponential is fitted.
        interval: 95 % of the rate, or of the exponent, over what was drawn independently; nan where that is one.
        half_life_interval: the same for the half-life, steps.
        r_squared: the share of the variance of the log norm that the law explains.
        lags: the first and the last one that is fitted, steps.
        reason: why there is no fit; "" if there is one.
    """

    kind: str
    rate: float = math.nan
    exponent: float = math.nan
    half_life: float = math.nan
    interval: tuple[float, float] = NAN
    half_life_interval: tuple[float, float] = NAN
    r_squared: float = math.nan
    lags: tuple[int, int] = (0, 0)
    reason: str = ""

    def __str__(self) -> str:
        if self.kind == "none":
            return f"no fit: {self.reason}"
        low, high = self.interval
        between = "" if math.isnan(low) else f", 95 % {low:.4g} to {high:.4g}"
        if self.kind == "power":
            return f"power law, n^{self.exponent:.4g}{between} (R² {self.r_squared:.3f})"
        rate = f"exponential, {self.rate:.4g} nats per step{between}"
        return f"{rate}, half-life {self.half_life:.4g} steps (R² {self.r_squared:.3f})"


def fit(rows: Array, window: int) -> Fit:
    """Fit the geometric mean of some curves.

    What is fitted by least squares is the `trend`, which has no gaps between the multiples of a pure delay, without its
    first quarter, where delay lines fill. A power law is taken where Akaike's information criterion is decisively, by
    10 or more, smaller for it than for an exponential. The interval is a bootstrap over the curves.

    Args:
        rows: log norms, (U, N), of U initialisations or samples that were drawn independently.
        window: lags among which at least one path arrives.
    """
    lags, trends = trend(rows, window)
    mean = mean_of_logs(trends)
    keep = settled(mean)
    lags, trends, mean = lags[keep], trends[:, keep], mean[keep]
    if refused := _refusal(rows, len(lags), window):
        return Fit("none", reason=refused)
    span = (int(lags[0]), int(lags[-1]))
    if np.ptp(mean) < 1e-9:
        return Fit("none", 0.0, half_life=math.inf, lags=span, reason="the norm is the same at all lags: no decay")
    laws = {"exponential": lags, "power": np.log(np.maximum(lags, 1))}
    unexplained = {kind: _residual(x, mean) for kind, x in laws.items()}
    # n ln(RSS / n) + 2k, and k is the same.
    better = len(lags) * math.log(max(unexplained["exponential"], TINY) / max(unexplained["power"], TINY))
    kind = "power" if better >= DECISIVE else "exponential"
    r_squared = 1 - unexplained[kind] / float(((mean - mean.mean()) ** 2).sum())
    if r_squared < LEAST_R_SQUARED:
        reason = f"neither an exponential nor a power law explains the norm, R² is {r_squared:.2f}"
        return Fit("none", r_squared=r_squared, lags=span, reason=reason)
    slope, drawn = float(np.polyfit(laws[kind], mean, 1)[0]), _bootstrap(laws[kind], trends)
    return _found(kind, slope, drawn, r_squared, span)


def _refusal(rows: Array, found: int, window: int) -> str:
    """Return why nothing can be fitted, or ""."""
    if not np.isfinite(rows).any():
        return "no gradient arrives at any lag"
    if found >= FEWEST:
        return ""
    needed = (FEWEST + FEWEST // 4) * window  # the first quarter of so many windows is not fitted
    if rows.shape[1] >= needed:
        return f"a gradient arrives in {found} windows of {window} alone, {FEWEST} are needed"
    there = "there is 1 window" if found == 1 else f"there are {found} windows"
    return (
        f"the sequence is too short: of {rows.shape[1]} lags {there} of {window} to fit, "
        f"{FEWEST} are needed; measure over {needed} steps or more"
    )


def _found(kind: str, slope: float, drawn: Array, r_squared: float, span: tuple[int, int]) -> Fit:
    low, high = map(float, np.percentile(drawn, (2.5, 97.5))) if len(drawn) else NAN
    if kind == "power":
        return Fit(kind, exponent=slope, interval=(low, high), r_squared=r_squared, lags=span)
    lives = (half_life(low), half_life(high))
    return Fit(kind, slope, math.nan, half_life(slope), (low, high), lives, r_squared, span)


def half_life(rate: float) -> float:
    """Return -ln 2 / rate, steps; inf where nothing decays."""
    if math.isnan(rate):
        return math.nan
    return math.inf if rate >= 0 else -math.log(2) / rate


def bootstrap_means(rows: Array) -> Array:
    """Return means over the rows (U, ·) of as many drawn with replacement, (draws, ·); none where there is one row."""
    if len(rows) < 2:
        return rows[:0]
    counts = np.random.default_rng(0).multinomial(len(rows), np.full(len(rows), 1 / len(rows)), DRAWS)
    means: Array = counts @ rows / len(rows)
    return means


def _bootstrap(x: Array, trends: Array) -> Array:
    """Return the slopes of means of resampled curves."""
    whole = trends[np.isfinite(trends).all(1)]  # a curve with a zero there has no mean log
    centred = x - x.mean()
    slopes: Array = bootstrap_means(whole) @ centred / (centred @ centred)
    return slopes


def _residual(x: Array, y: Array) -> float:
    if np.ptp(x) == 0:
        return math.inf
    return float(((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2).sum())

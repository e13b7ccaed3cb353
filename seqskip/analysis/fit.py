"""The law by which a gradient decays over lag: exponential, power law, or none that can be told."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seqskip.analysis.curve import Curve, mean_of_logs

Array = npt.NDArray[np.float64]
NAN = (math.nan, math.nan)
FEWEST = 4  # windows: two numbers are fitted, and two laws compared
DRAWS = 1000  # of the bootstrap
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

    The largest log norm of each window is fitted by least squares, as a pure delay has exact zeros in between. The
    first quarter of the windows, where delay lines fill, is left out. Of the two laws the one with the smaller
    Akaike information criterion is taken: with two numbers each, that is the smaller sum of squares. The interval
    is a bootstrap over the curves.

    Args:
        rows: log norms, (U, N), of U initialisations or samples that were drawn independently.
        window: lags among which at least one path arrives.
    """
    curve = Curve(mean_of_logs(rows), window)
    lags, peaks = curve.peaks()
    if refused := _refusal(curve, lags):
        return Fit("none", reason=refused)
    span = (int(lags[0]), int(lags[-1]))
    if np.ptp(peaks) < 1e-9:
        return Fit("none", 0.0, half_life=math.inf, lags=span, reason="the norm is the same at all lags: no decay")
    laws = {"exponential": lags.astype(float), "power": np.log(np.maximum(lags, 1))}
    unexplained = {kind: _residual(x, peaks) for kind, x in laws.items()}
    kind = min(laws, key=lambda each: unexplained[each])
    r_squared = 1 - unexplained[kind] / float(((peaks - peaks.mean()) ** 2).sum())
    if r_squared < LEAST_R_SQUARED:
        reason = f"neither an exponential nor a power law explains the norm, R² is {r_squared:.2f}"
        return Fit("none", r_squared=r_squared, lags=span, reason=reason)
    slopes = np.array([_slope(laws[kind], peaks), *_bootstrap(rows[:, lags], laws[kind])])
    return _found(kind, float(slopes[0]), slopes[1:], r_squared, span)


def _refusal(curve: Curve, lags: npt.NDArray[np.int64]) -> str:
    """Return why nothing can be fitted, or ""."""
    if np.isnan(curve.log_norm).all() or not np.isfinite(curve.log_norm).any():
        return "no gradient arrives at any lag"
    if len(lags) >= FEWEST:
        return ""
    needed = math.ceil(FEWEST * 4 / 3) * curve.window
    return (
        f"the sequence is too short: {len(lags)} windows of {curve.window} lags hold a gradient after the first "
        f"quarter, a fit needs {FEWEST}; measure over {needed} steps or more"
    )


def _found(kind: str, slope: float, drawn: Array, r_squared: float, span: tuple[int, int]) -> Fit:
    interval = tuple(map(float, np.percentile(drawn, (2.5, 97.5)))) if len(drawn) else NAN
    low, high = interval
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


def _bootstrap(rows: Array, x: Array) -> list[float]:
    """Return the slopes of resampled mean curves; the lags stay those of the largest norms."""
    whole = rows[np.isfinite(rows).all(1)]  # a curve with a zero among its peaks has no mean log there
    centred = x - x.mean()
    return list(bootstrap_means(whole) @ centred / (centred @ centred))


def _slope(x: Array, y: Array) -> float:
    return float(np.polyfit(x, y, 1)[0])


def _residual(x: Array, y: Array) -> float:
    if np.ptp(x) == 0:
        return math.inf
    return float(((y - np.polyval(np.polyfit(x, y, 1), x)) ** 2).sum())

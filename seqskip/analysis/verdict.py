"""What a measured decay means for a task."""

import math
from dataclasses import dataclass, replace

from seqskip import checks
from seqskip.analysis import theory
from seqskip.analysis.advice import EXPLODES, NOTE, arriving
from seqskip.analysis.curve import Curve
from seqskip.analysis.curve import decades as demand_decades
from seqskip.analysis.decay import Decay
from seqskip.analysis.fit import Fit
from seqskip.analysis.words import law_text

DECADES = 6  # a gradient below 10^-6 of its start is lost in the rounding of float32
ENOUGH = -3.0  # decades that are to arrive with the delays that are suggested


@dataclass(frozen=True)
class Verdict:
    """Whether a gradient arrives over the lag that a task needs.

    Attributes:
        lag: what the task needs, steps.
        fit: the law that the decay of the whole stack follows.
        log10_arriving: the gradient at the lag relative to the start, as a power of ten; -inf where no path leads.
            Beyond the measured lags the law of `fit` goes on from the last one m: g_n = g_m e^(rate (n - m)), or
            g_n = g_m (n / m)^exponent; nan where no law was found, since then nothing tells.
        measured: m, the last lag that was measured, steps.
        decades: the gradient arrives if it is at least 10^-decades of its start.
        suggestion: what longer delays would give; "" where none are needed.
    """

    lag: int
    fit: Fit
    log10_arriving: float
    measured: int
    decades: float
    suggestion: str

    @property
    def word(self) -> str:
        """The verdict in a word: "arrives", "vanishes", "explodes", "no path" or, where nothing tells, "unknown"."""
        if math.isnan(self.log10_arriving):
            return "unknown"
        if self.log10_arriving > EXPLODES:
            return "explodes"
        if math.isinf(self.log10_arriving):
            return "no path"
        return "arrives" if self.log10_arriving >= -self.decades else "vanishes"

    @property
    def extrapolated(self) -> bool:
        """Whether the lag lies beyond what was measured, and a law went on to it."""
        return self.lag > self.measured and self.word != "unknown"

    @property
    def arrives(self) -> bool:
        """Whether it arrives, and has not exploded: necessary for learning, not sufficient."""
        return self.word == "arrives"

    def __str__(self) -> str:
        return f"{self.sentence}. {NOTE}"

    @property
    def sentence(self) -> str:
        """The verdict alone."""
        law = f"{law_text(self.fit)}, " if law_text(self.fit) else ""
        parts = [f"{law}the task needs {self.lag:,}: {self._what()}"]
        parts += [] if law else [f"no law is fitted, since {self.fit.reason}"]
        return "; ".join([*parts, self.suggestion] if self.suggestion else parts)

    def _what(self) -> str:
        if self.word == "no path":
            return "no path leads over that lag"
        if self.word == "unknown":
            reached = f"the longest lag measured is {self.measured:,}"
            return f"{reached}, and no law goes on from there; measure a sequence of more than {self.lag:,} steps"
        how = f"extrapolated from lag {self.measured:,} by that law, " if self.extrapolated else ""
        does = "explodes to" if self.word == "explodes" else "that arrives is"
        return f"{how}the gradient {does} 10^{self.log10_arriving:.1f} of the start"


def verdict(decay: Decay, lag: int, *, decades: float = DECADES) -> Verdict:
    """Return what a decay means for a task that needs a lag.

    What longer delays would give assumes that the measured factor per step w = exp(rate) were shared out equally among
    the delays 1 and d; where the net has delays already, that gradients decay with n/d (Lin et al. 1996; Goodfellow et
    al. 2016, section 10.9.1). A gradient that arrives is necessary for learning, not sufficient (Zucchet & Orvieto
    2024).

    Args:
        decay: what was measured; its whole stack counts, and at the lag the largest norm of the window of
            `Decay.over(lag + 1)`, which ends there.
        lag: steps.
        decades: the gradient arrives if it is at least 10^-decades of its start.

    Raises:
        ValueError: decay is no Decay, the lag is no integer >= 1, decades is no number above 0.
    """
    if not isinstance(decay, Decay):
        raise ValueError(
            f"decay must be a Decay, got {type(decay).__name__}; measure one with gradient_decay(model, x)"
        )
    checks.integer("lag", lag, 1)
    demand_decades("decades", decades)
    law, last = decay.fit(), decay.log_norm.shape[-1] - 1
    curve = decay.over(min(lag, last) + 1)
    found = Verdict(lag, law, at_lag(curve, lag, law), last, decades, "")
    if found.word not in ("vanishes", "no path") or not law.rate < 0:
        return found
    return replace(found, suggestion=_suggestion(decay, law.rate, lag))


def at_lag(curve: Curve, lag: int, law: Fit) -> float:
    """Return the largest norm of the window that ends at a lag relative to the start, as a power of ten, -inf for none.

    Beyond what was measured the law goes on; nan where there is none.
    """
    last = min(lag, len(curve.log_norm) - 1)
    there = curve.log_norm[max(0, last - curve.window + 1) : last + 1]
    if math.isinf(curve.start):
        return -math.inf
    return float(there.max() - curve.start + (_beyond(law, last, lag) if lag > last else 0.0)) / math.log(10)


def _beyond(law: Fit, last: int, lag: int) -> float:
    """Return what a law adds to the log norm from one lag to another."""
    if law.kind == "power":
        return law.exponent * math.log(lag / last)
    return law.rate * (lag - last) if law.kind == "exponential" else math.nan


def _suggestion(decay: Decay, rate: float, lag: int) -> str:
    longest = max(decay.windows)
    for d in (2**k for k in range(1, int(math.log2(lag)) + 1)):
        if d <= longest:
            continue
        if longest == 1:
            weights = {1: math.exp(rate) / 2, d: math.exp(rate) / 2}
            half_life, log10 = theory.half_life(weights), arriving([weights], lag)
        else:
            half_life = -math.log(2) / rate * d / longest
            log10 = -lag / half_life * math.log10(2)
        if log10 >= ENOUGH or 2 * d > lag:
            return f"delays (1, {d}) would give a half-life of {half_life:,.3g} steps and 10^{log10:.1f}"
    return ""

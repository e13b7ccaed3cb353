"""What a measured decay means for a task."""

import math
from dataclasses import dataclass, replace

from seqskip import checks
from seqskip.analysis import theory
from seqskip.analysis.advice import NOTE, arriving
from seqskip.analysis.curve import Curve
from seqskip.analysis.decay import Decay
from seqskip.analysis.fit import Fit
from seqskip.analysis.words import steps_text

DECADES = 6  # a gradient below 10^-6 of its start is lost in the rounding of float32
EXPLODES = 3  # decades of growth
ENOUGH = -3.0  # decades that are to arrive with the delays that are suggested


@dataclass(frozen=True)
class Verdict:
    """Whether a gradient arrives over the lag that a task needs.

    Attributes:
        lag: what the task needs, steps.
        fit: the law that the decay of the whole stack follows.
        log10_arriving: the gradient at the lag relative to the start, as a power of ten; -inf where no path leads.
        extrapolated: the lag lies beyond what was measured, and the rate was used.
        decades: the gradient arrives if it is at least 10^-decades of its start.
        suggestion: what longer delays would give; "" where none are needed.
    """

    lag: int
    fit: Fit
    log10_arriving: float
    extrapolated: bool
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
    def arrives(self) -> bool:
        """Whether it arrives, and has not exploded: necessary for learning, not sufficient."""
        return self.word == "arrives"

    def __str__(self) -> str:
        return f"{self.sentence}. {NOTE}"

    @property
    def sentence(self) -> str:
        """The verdict alone."""
        needs = f"{self._law()}, the task needs {self.lag:,}"
        if self.word in ("no path", "unknown"):
            what = "no path leads over that lag" if self.word == "no path" else "too little was measured to tell"
        else:
            how = "extrapolated, " if self.extrapolated else ""
            what = f"{how}the gradient that arrives is 10^{self.log10_arriving:.1f} of the start"
        return f"{needs}: {what}" + (f"; {self.suggestion}" if self.suggestion else "")

    def _law(self) -> str:
        if self.fit.kind == "power":
            return f"falls as n^{self.fit.exponent:.2g}"
        return f"half-life {steps_text(self.fit.half_life)}"


def verdict(decay: Decay, lag: int, *, decades: float = DECADES) -> Verdict:
    """Return what a decay means for a task that needs a lag.

    What longer delays would give assumes that the measured factor per step w = exp(rate) were shared out equally among
    the delays 1 and d; where the net has delays already, that gradients decay with n/d (Lin et al. 1996). A gradient
    that arrives is necessary for learning, not sufficient.

    Args:
        decay: what was measured; its whole stack counts.
        lag: steps.
        decades: the gradient arrives if it is at least 10^-decades of its start.

    Raises:
        ValueError: the lag is no integer >= 1, decades is not above 0.
    """
    checks.integer("lag", lag, 1)
    if not 0 < decades < math.inf:
        raise ValueError(f"decades must be a number above 0, got {decades!r}")
    curve, last = decay.stack, len(decay.stack.log_norm) - 1
    found = Verdict(lag, decay.fit(), at_lag(curve, lag), lag > last, decades, "")
    if found.word not in ("vanishes", "no path") or not curve.rate < 0:
        return found
    return replace(found, suggestion=_suggestion(decay, curve.rate, lag))


def at_lag(curve: Curve, lag: int) -> float:
    """Return the largest norm of the window that ends at a lag relative to the start, as a power of ten, -inf for none.

    Beyond what was measured the fitted rate goes on; nan where there is none.
    """
    last = min(lag, len(curve.log_norm) - 1)
    there = curve.log_norm[max(0, last - curve.window + 1) : last + 1]
    if math.isinf(curve.start):
        return -math.inf
    beyond = curve.rate * (lag - last) if lag > last else 0.0
    return float(there.max() - curve.start + beyond) / math.log(10)


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

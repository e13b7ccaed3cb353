"""Numbers of time steps in words."""

import math
from collections.abc import Mapping

from seqskip.analysis.curve import Curve
from seqskip.analysis.fit import Fit, fit


def steps_text(value: float) -> str:
    """Return a number of time steps in words."""
    if math.isnan(value):
        return "no fit"
    return "no decay" if math.isinf(value) else f"{value:,.4g} steps"


def law_text(law: Fit) -> str:
    """Return a law as the predicate of a gradient; "" where none is fitted."""
    if law.kind == "power":
        return f"{'falls' if law.exponent < 0 else 'grows'} as n^{law.exponent:.2g}"
    if law.rate > 0:
        return f"grows by 10^{law.rate / math.log(10):.2g} per step"
    if math.isinf(law.half_life):
        return "does not decay"
    return "" if math.isnan(law.half_life) else f"half-life {steps_text(law.half_life)}"


def horizon_text(curve: Curve, decades: int) -> str:
    """Return a curve's horizon in words; one that is not reached lies beyond the measured lags."""
    horizon = curve.horizon(decades)
    return f"> {len(curve.log_norm) - 1:,} steps" if math.isinf(horizon) else steps_text(horizon)


def curves_text(curves: Mapping[str, Curve]) -> str:
    """Return a table of half-lives and horizons by name, and below it why a curve has no half-life."""
    lines, reasons = [f"{'layer':<12}{'half-life':>16}{'horizon 10^-6':>18}"], dict[str, list[str]]()
    for name, curve in curves.items():
        lines.append(f"{name:<12}{steps_text(curve.half_life):>16}{horizon_text(curve, 6):>18}")
        if math.isnan(curve.half_life):
            reasons.setdefault(str(fit(curve.log_norm[None], curve.window)), []).append(name)
    return "\n".join([*lines, *(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())])

"""Numbers of time steps in words."""

import math

from seqskip.analysis.curve import Curve


def steps_text(value: float) -> str:
    """Return a number of time steps in words."""
    if math.isnan(value):
        return "no fit"
    return "no decay" if math.isinf(value) else f"{value:,.4g} steps"


def horizon_text(curve: Curve, decades: int) -> str:
    """Return a curve's horizon in words; one that is not reached lies beyond the measured lags."""
    horizon = curve.horizon(decades)
    return f"> {len(curve.log_norm) - 1:,} steps" if math.isinf(horizon) else steps_text(horizon)

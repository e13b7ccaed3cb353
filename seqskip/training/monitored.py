"""The numbers of a measurement that monitors can watch."""

import math

from seqskip.analysis import Decay

DECADES = 6  # the horizon that is logged: where the norm stays below 1e-6 of its start
MOST = 1e9  # steps that are logged where nothing decays: monitors take no infinity


def monitored(decay: Decay | None) -> dict[str, float]:
    """Return what is logged: all finite, or all nan where the measurement failed."""
    if decay is None:
        return {"half_life": math.nan, f"horizon_{DECADES}": math.nan, "rate": math.nan}
    half_life, horizon, rate = decay.half_life, decay.horizon(DECADES), decay.rate
    return {
        "half_life": 0.0 if math.isnan(half_life) else min(half_life, MOST),
        f"horizon_{DECADES}": float(decay.log_norm.shape[-1]) if math.isinf(horizon) else horizon,
        "rate": 0.0 if math.isnan(rate) else rate,
    }

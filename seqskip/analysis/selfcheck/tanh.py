"""One tanh unit, h_t = tanh(w h_{t-1}), at its fixed point and at w = 1, where there is none but 0."""

import math

import numpy as np
import torch

from seqskip.analysis.selfcheck.check import Check, Group
from seqskip.analysis.selfcheck.nets import log_norms, pulse, scalar

PASCANU = "Pascanu et al. 2013, 2.1"
# w, the fixed point h* = tanh(w h*), and the rate ln w (1 - h*²) at it.
FIXED_POINTS = ((1.25, 0.710412, -0.479418), (1.5, 0.858560, -0.930610), (2.0, 0.957504, -1.793529))


def fixed_points() -> Group:
    """Return the checks of one tanh unit."""

    def small(w: float) -> Check:
        return Check(
            f"nats per step: w = {w:g}, h = 0",
            PASCANU,
            lambda: log_norms(scalar({1: w}), 100)[-1] / 100,
            math.log(w),
            1e-12,
        )

    def saturated(w: float, state: float, rate: float) -> Check:
        def measured() -> float:
            start = torch.tensor([math.atanh(state)], dtype=torch.float64)
            return float(np.diff(log_norms(scalar({1: w}), 200, pulse(start, 201)))[:50].mean())

        return Check(
            f"nats per step: w = {w:g}, h = tanh(w h) = {state:.4f}", PASCANU, measured, rate, 1e-6, relative=False
        )

    return Group(
        "One tanh unit",
        "A weight above 1 saturates the unit, and its gradient vanishes faster; at w = 1 it vanishes as a power of t.",
        (*map(small, (0.5, 0.9)), *(saturated(*point) for point in FIXED_POINTS), *_critical()),
    )


def _critical() -> tuple[Check, ...]:
    one = torch.ones(1, dtype=torch.float64)

    def product() -> float:
        return float(log_norms(scalar({1: 1.0}), 999, pulse(one, 1000))[-1])

    def exponent() -> float:
        steps = 10_000
        log_norm = log_norms(scalar({1: 1.0}), steps - 1, pulse(one, steps))
        return float(log_norm[steps - 1000] - log_norm[0]) / math.log(1000 / steps)

    # From h_0 = 1 the product of the slopes 1 - h_t² over 1000 steps is e^-9.869870; the first is not measured here.
    exact = -9.869870 - math.log(1 - math.tanh(1) ** 2)
    return (
        Check("ln ∂h_1000/∂h_1: w = 1, h_1 = tanh 1", "sum of ln(1 - h_t²)", product, exact, 1e-6),
        Check("p in ∂h_T/∂h_t ~ (t/T)^p: w = 1", "h_t² → 3/(2t)", exponent, 1.5, 2e-3),
    )

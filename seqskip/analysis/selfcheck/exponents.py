"""Lyapunov exponents: the rates at which changes of the whole state, delay lines and all, grow in the long run."""

import math

import numpy as np
import torch

from seqskip.analysis import theory
from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.analysis.selfcheck.matrices import rotation
from seqskip.analysis.selfcheck.memory_cells import forgetting, sigmoid
from seqskip.analysis.selfcheck.nets import exponents, nothing, pulse, recurrence, scalar

ROOTS = "ln|z| of the roots of z^D = Σ a_d z^(D-d)"
# Of random tanh nets, N → ∞: λ = ln(g √⟨φ'²⟩) by mean-field theory (Molgedey et al. 1992).
CHAOS = ((2.0, 0.154724), (5.0, 0.532428))
UNITS = 400


def spectra() -> Group:
    """Return the checks of whole spectra."""

    def all_of(weights: dict[int, float]) -> Array:
        return exponents(scalar(weights), nothing(1000), max(weights))

    additive, pure = {1: 0.45, 4: 0.45}, {5: 0.9}
    return Group(
        "Lyapunov spectra",
        "A net with delay d has d exponents for each unit; they sum up to what its longest edge takes away.",
        (
            Check("λ₁ ... λ₄: a = b = 0.45, d = 4", ROOTS, lambda: all_of(additive), theory.exponents(additive), 1e-6),
            Check("λ₁ + ... + λ₄: a = b = 0.45, d = 4", "ln b", lambda: all_of(additive).sum(), math.log(0.45), 1e-6),
            Check("λ₁ ... λ₅: b = 0.9, d = 5", "ln b / d", lambda: all_of(pure), np.full(5, math.log(0.9) / 5), 1e-9),
            Check(
                "λ₁ ... λ₂₄: 6 units, Q orthogonal, d = 4",
                "Saxe et al. 2014",
                lambda: exponents(recurrence({4: rotation(6)}), nothing(300, 6), 24),
                np.zeros(24),
                1e-12,
            ),
            Check(
                "λ of (c, h), an LSTM: forget bias 2, W_hh = 0",
                "ln f, and -∞",
                lambda: exponents(forgetting(2.0), nothing(300), 2),
                np.array([math.log(sigmoid(2.0)), -np.inf]),
                1e-9,
            ),
        ),
    )


def chaos() -> Group:
    """Return the checks of random nets."""

    def check(gain: float, exact: float) -> Check:
        def measured() -> float:
            source = torch.Generator().manual_seed(0)
            weight = torch.randn(UNITS, UNITS, dtype=torch.float64, generator=source) * gain / math.sqrt(UNITS)
            start = torch.randn(UNITS, dtype=torch.float64, generator=source)
            return float(exponents(recurrence({1: weight}), pulse(start, 1000), 1)[0])

        name = f"λ₁: {UNITS} tanh units, W ~ N(0, g²/N), g = {gain:g}"
        return Check(name, "Molgedey et al. 1992", measured, exact, 0.05)

    return Group(
        "Chaos",
        "Random weights of gain g > 1 make gradients explode, slower than by ln g a step: units saturate (N → ∞).",
        tuple(check(*one) for one in CHAOS),
    )

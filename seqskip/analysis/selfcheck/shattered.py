"""The gradient along a line of inputs: how alike its values at neighbours are."""

import math

import numpy as np
import torch

from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.analysis.selfcheck.nets import scalar
from seqskip.analysis.selfcheck.wide import relu_layers, residual_layers
from seqskip.analysis.shattering import shattering
from seqskip.analysis.shattering_theory import normalised_residual_correlation, relu_correlation

WEIGHT, STEPS, LAGS = 1.3, 6, 15
GRID = np.linspace(-2, 2, 200)
DEPTHS, RESIDUAL_DEPTHS = (1, 3, 6, 10), (4, 16, 64)
# Two and a half to four standard errors from net to net, at the widths and draws in `wide`.
MONTE_CARLO = 0.025


def laws() -> Group:
    """Return the checks of shattering."""
    gradient = _chain_rule()
    z = gradient - gradient.mean()
    alike = np.array([z[: len(z) - k] @ z[k:] for k in range(LAGS + 1)]) / (z @ z)
    net = scalar({1: WEIGHT})
    return Group(
        "Shattering",
        "With depth, or time, gradients at neighbouring inputs stop being alike; residual layers keep them, as 1/√L.",
        (
            Check(
                f"∂h_{STEPS}/∂x_1 at 200 inputs: tanh, w = {WEIGHT}",
                "chain rule",
                lambda: shattering(net, torch.from_numpy(GRID), steps=STEPS, lags=LAGS).gradient,
                gradient,
                1e-10,
            ),
            Check(
                f"its autocorrelation, 0 to {LAGS} inputs apart",
                "Balduzzi et al. 2017",
                lambda: shattering(net, torch.from_numpy(GRID), steps=STEPS, lags=LAGS).autocorrelation,
                alike,
                1e-10,
            ),
            Check(
                "ReLU nets, He weights, 90° apart: L = 1, 3, 6, 10",
                f"Cho & Saul 2009, N → ∞, within {MONTE_CARLO}",
                lambda: relu_layers(DEPTHS),
                np.array([relu_correlation(math.radians(90), depth) for depth in DEPTHS]),
                MONTE_CARLO,
                relative=False,
            ),
            Check(
                "residual nets, active at random: L = 4, 16, 64",
                f"about (2/√π) / √L, Balduzzi et al. 2017, within {MONTE_CARLO}",
                lambda: residual_layers(RESIDUAL_DEPTHS),
                np.array([normalised_residual_correlation(depth) for depth in RESIDUAL_DEPTHS]),
                MONTE_CARLO,
                relative=False,
            ),
        ),
    )


def _chain_rule() -> Array:
    """Return ∂h_T/∂x_1 = Π_t φ'(a_t) w^(T-1) of h_t = tanh(w h_{t-1} + x_t), x_t = 0 after the first step."""
    h = np.tanh(GRID)
    gradient = 1 - h**2
    for _ in range(STEPS - 1):
        h = np.tanh(WEIGHT * h)
        gradient = gradient * WEIGHT * (1 - h**2)
    found: Array = gradient
    return found

"""Linear layers whose matrices are rotations, and one whose eigenvalues say the opposite of what its gradient does."""

import math

import numpy as np
import torch
from torch import Tensor

from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.analysis.selfcheck.nets import log_norms, pulse, recurrence

LAGS = 100


def normal() -> Group:
    """Return the checks of orthogonal and antisymmetric matrices."""

    def orthogonal(gain: float, d: int, norm: str = "spectral") -> Check:
        def measured() -> Array:
            return log_norms(recurrence({d: gain * rotation(8)}), LAGS * d, norm=norm)[::d]

        exact: Array = np.arange(LAGS + 1.0) * math.log(gain)
        name = f"ln of the {norm} norm: {gain:g} Q, Q orthogonal, d = {d}"
        return Check(name, "Saxe et al. 2014", measured, exact, 1e-11, relative=False)

    def antisymmetric(gamma: float, size: float) -> Check:
        def measured() -> float:
            turn = torch.tensor([[-gamma, 1.0], [-1.0, -gamma]], dtype=torch.float64)
            log_norm = log_norms(recurrence({1: torch.eye(2, dtype=torch.float64) + 0.1 * turn}), LAGS)
            return math.exp((log_norm[-1] - log_norm[0]) / LAGS)

        name = f"per step: I + 0.1 (W - Wᵀ - γI), γ = {gamma:g}"
        return Check(name, "Chang et al. 2019, AntisymmetricRNN", measured, size, 1e-6)

    sizes = ((0.0, 1.004988), (0.05, 1.000012), (0.1, 0.995038), (0.5, 0.955249))
    return Group(
        "Rotations",
        "An orthogonal matrix keeps every gradient's length; an Euler step of a rotation needs γ > 0 not to explode.",
        (
            orthogonal(1.0, 1),
            orthogonal(1.0, 4),
            orthogonal(0.9, 1),
            orthogonal(0.9, 1, "frobenius"),
            *(antisymmetric(*one) for one in sizes),
        ),
    )


def not_normal() -> Group:
    """Return the check of a net whose spectral radius is 0 and whose gradient explodes."""
    weight = torch.tensor([[8.0, 8.0], [-8.0, -8.0]], dtype=torch.float64)

    def measured() -> Array:
        state = torch.tensor([0.0, 0.5], dtype=torch.float64)
        bias = state.atanh() - weight @ state
        x = pulse(state.atanh() - bias, 21)
        norms: Array = np.exp(log_norms(recurrence({1: weight}, bias), 20, x, norm="spectral")[1:])
        return norms

    exact: Array = 14.142136 * np.exp2(np.arange(20.0))
    check = Check("‖J¹‖ ... ‖J²⁰‖: W = [[8, 8], [-8, -8]]", "J² = 2J", measured, exact, 1e-6)
    return Group(
        "Eigenvalues mislead",
        "All eigenvalues of this W are 0, and the gradient doubles at every step. Only singular values bound it, not "
        "eigenvalues as in Pascanu et al. 2013, 2.1.",
        (check,),
    )


def rotation(size: int) -> Tensor:
    """Return a random orthogonal matrix, the same one at each call."""
    drawn = torch.randn(size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    orthogonal: Tensor = torch.linalg.qr(drawn)[0]
    return orthogonal

"""Nets whose gradients are known: their weights are set by hand."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqskip.analysis.decay import Decay
from seqskip.analysis.gradients import gradient_decay
from seqskip.analysis.lyapunov import lyapunov
from seqskip.layers import RNN
from seqskip.recurrent import Recurrent

Array = npt.NDArray[np.float64]
Matrices = Mapping[int, Tensor]  # U_d by the delay d, each (H, H)


@torch.no_grad()
def recurrence(matrices: Matrices, bias: Tensor | None = None) -> RNN:
    """Return h_t = tanh(x_t + Σ_d U_d h_{t-d} + b), (H,). At h = 0, which no input and no bias keep, it is linear."""
    delays = tuple(sorted(matrices))
    size = matrices[delays[0]].size(0)
    net = RNN(size, size, bias=bias is not None, delays=delays, dtype=torch.float64)
    net.weight_ih_l0.copy_(torch.eye(size))
    net.get_parameter("weight_hh_l0").copy_(torch.cat([matrices[d] for d in delays], 1))
    if bias is not None:
        net.get_parameter("bias_ih_l0").copy_(bias)
        net.get_parameter("bias_hh_l0").zero_()
    return net


def scalar(weights: Mapping[int, float]) -> RNN:
    """Return h_t = tanh(x_t + Σ_d a_d h_{t-d}), one unit, from the weights a_d by the delay d."""
    return recurrence({d: torch.full((1, 1), weight, dtype=torch.float64) for d, weight in weights.items()})


@torch.no_grad()
def bare(net: Recurrent, **biases: float) -> Recurrent:
    """Return a net with all weights 0, but the biases of the gates whose number a name such as `gate_1` gives."""
    for weight in net.parameters():
        weight.zero_()
    for name, value in biases.items():
        net.get_parameter("bias_ih_l0")[int(name.removeprefix("gate_"))] = value
    return net


def pulse(first: Tensor, steps: int) -> Tensor:
    """Return an input (T, 1, I) that is `first` (I,) at the first step and 0 later: it chooses the first state."""
    x = first.new_zeros(steps, 1, len(first))
    x[0, 0] = first
    return x


def nothing(steps: int, size: int = 1) -> Tensor:
    """Return an input of zeros, (T, 1, I)."""
    return torch.zeros(steps, 1, size, dtype=torch.float64)


def decay(net: Recurrent, lags: int, wrt: str = "h") -> Decay:
    """Measure a net without input at the lags 0, ..., `lags`."""
    return gradient_decay(net, nothing(lags + 1, net.input_size), wrt=wrt)


def log_norms(net: Recurrent, lags: int, x: Tensor | None = None, wrt: str = "h", norm: str = "loss") -> Array:
    """Return ln‖∂L/∂h_{T-n}‖ of one layer and one sample at the lags n = 0, ..., `lags`, (lags + 1,)."""
    given = nothing(lags + 1, net.input_size) if x is None else x
    return gradient_decay(net, given, wrt=wrt, norm=norm).select(seed=0, layer=0, sample=0, answer=0)


def exponents(net: Recurrent, x: Tensor, k: int) -> Array:
    """Return the k leading Lyapunov exponents, (k,), nats per step; of periodic motion without a rest of a period."""
    return lyapunov(net, x, k).smooth

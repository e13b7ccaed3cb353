"""Recurrent nets whose exponents are known, and their Jacobians the slow way."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor
from torch.func import jacrev, vmap

from seqskip import LSTM, RNN
from seqskip.analysis.augmented import Augmented


def delayed(weights: Mapping[int, float | Tensor]) -> RNN:
    """Return h_t = tanh(Σ_d W_d h_{t-d} + x_t); without input its states stay 0, where tanh is linear."""
    matrices = [torch.as_tensor(weights[d], dtype=torch.float64).reshape(-1) for d in sorted(weights)]
    size = math.isqrt(len(matrices[0]))
    net = RNN(size, size, bias=False, delays=tuple(weights), dtype=torch.float64)
    with torch.no_grad():
        net.weight_hh_l0.copy_(torch.cat([matrix.view(size, size) for matrix in matrices], 1))
        net.weight_ih_l0.copy_(torch.eye(size))
    return net


def silence(steps: int, size: int = 1) -> Tensor:
    """Return an input of zeros for one sample, (T, 1, I)."""
    return torch.zeros(steps, 1, size, dtype=torch.float64)


def kick(first: Tensor, steps: int) -> Tensor:
    """Return an input that is h_0 at the first step and 0 from then on: the net is on its own, (T, B, I)."""
    return torch.cat((first.unsqueeze(0), first.new_zeros(steps - 1, *first.shape)))


def gaussian(size: int, g: float) -> Tensor:
    """Return a matrix of independent entries of variance g²/N."""
    return g / size**0.5 * torch.randn(size, size, dtype=torch.float64)


def orthogonal(size: int) -> Tensor:
    drawn: Tensor = torch.linalg.qr(torch.randn(size, size, dtype=torch.float64))[0]
    return drawn


def forgetful(units: int, forget_bias: float, delays: int | tuple[int, ...] = 1) -> LSTM:
    """Return an LSTM whose gates read neither input nor state."""
    net = LSTM(1, units, delays=delays, dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.zero_()
        net.bias_ih_l0[units : 2 * units] = forget_bias
    return net


def jacobians(net: Augmented, x: Tensor) -> Tensor:
    """Return ∂s_t/∂s_{t-1} of the first sample at every step, whole and by reverse mode, (T, A, A)."""
    states = [net.start(x)[0]]
    for step in x[:-1, :1]:
        states.append(net.step(step, states[-1].unsqueeze(0))[0])

    def step_of(state: Tensor, step: Tensor) -> Tensor:
        return net.step(step.unsqueeze(0), state.unsqueeze(0))[0]

    found: Tensor = vmap(jacrev(step_of))(torch.stack(states), x[:, 0])
    return found

"""The states with which a sequence ends, one by one for each sample, and the way back from them."""

import torch
from torch import Tensor

from seqskip import lengths as of_lengths


def last_states(
    initial: Tensor,  # (D, B, H), oldest first
    states: Tensor,  # (T, B, H)
    lengths: Tensor | None,
) -> Tensor:
    """Return the last D of the states, those before the first step included, (D, B, H)."""
    if lengths is not None:
        return of_lengths.last_states(initial, states, lengths)
    depth, steps = initial.size(0), states.size(0)
    return states[-depth:].clone() if steps >= depth else torch.cat((initial[steps:], states))


def spread_last(grad: Tensor, steps: int, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return ∂L/∂ of the initial states, (D, B, H), and of the states, (T, B, H), from that of `last_states`."""
    depth = grad.size(0)
    spread = grad.new_zeros(depth + steps, *grad.shape[1:])
    if lengths is None:
        spread[steps:] = grad
    else:
        rows = lengths + torch.arange(depth, device=grad.device).unsqueeze(1)
        spread.scatter_(0, rows.unsqueeze(2).expand_as(grad), grad)
    return spread[:depth], spread[depth:]

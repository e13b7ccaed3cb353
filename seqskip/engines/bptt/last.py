"""The states with which a sequence ends, one by one for each sample."""

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

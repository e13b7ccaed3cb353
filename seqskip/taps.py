"""Tapped delay lines: layers that read their input of several time steps at once."""

from collections.abc import Sequence

import torch
from torch import Tensor

from seqskip.lengths import last_states


def tapped(x: Tensor, before: Tensor, taps: Sequence[int], lengths: Tensor | None) -> tuple[Tensor, Tensor]:
    """Return [x_{t-d}] for the taps d, side by side, and the inputs with which to go on.

    The time-delay net of Lang & Hinton (1988, CMU-CS-88-152): W x_t becomes Σ_d W_d x_{t-d}.

    Args:
        x: input, (T, B, I).
        before: the D inputs before the first step, (D, B, I), oldest first; D is the longest tap.
        taps: K delays, ascending; 0 is the present step.
        lengths: each sample's own number of steps, (B,), or None where all take T.

    Returns:
        (T, B, K·I), and the last D inputs of each sample, (D, B, I).

    >>> x = torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1)
    >>> read, after = tapped(x, torch.zeros(2, 1, 1), (0, 2), None)
    >>> read[:, 0].tolist(), after.flatten().tolist()
    ([[1.0, 0.0], [2.0, 0.0], [3.0, 1.0]], [2.0, 3.0])
    """
    steps, depth = x.size(0), before.size(0)
    if depth == 0:
        return x, before
    line = torch.cat((before, x))
    read = torch.cat([line[depth - d : depth - d + steps] for d in taps], -1)
    return read, last_states(before, x, lengths)

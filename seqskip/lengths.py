"""Samples of different length in one batch, (T, B, ·): sample b has len_b ≤ T steps, and padding after them.

`lengths` is an int64 tensor (B,) on the device of what it describes, 0 ≤ len_b ≤ T.
"""

import torch
from torch import Tensor


def padding(lengths: Tensor, steps: int) -> Tensor:
    """Return where the padding is, (T, B): True for t ≥ len_b."""
    return torch.arange(steps, device=lengths.device).unsqueeze(1) >= lengths


def cleared(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x (T, B, F) or (T, B) with zeros in the padding, whatever stood there; no gradient reaches the padding."""
    ended = padding(lengths, x.size(0))
    if torch.compiler.is_compiling() or x.is_meta:  # how many rows there are to fill is not known
        return x.masked_fill(ended.view(ended.shape + (1,) * (x.dim() - 2)), 0)
    # A product with a mask would keep NaN and inf; to fill whole rows is several times faster than torch.where.
    rows = ended.flatten().nonzero().squeeze(1)
    return x.flatten(0, 1).index_fill(0, rows, 0).view(x.shape)


def pick(x: Tensor, rows: Tensor) -> Tensor:
    """Return for each sample rows of its own: y[n, b] = x[rows[n, b], b], (N, B, F) from (R, B, F) and (N, B)."""
    batch = x.size(1)
    flat = rows * batch + torch.arange(batch, device=x.device)
    return x.flatten(0, 1).index_select(0, flat.flatten()).view(*rows.shape, *x.shape[2:])


def last_states(
    initial: Tensor,  # (D, B, H), oldest first
    states: Tensor,  # (T, B, H), anything in the padding
    lengths: Tensor | None,  # None where no sample has padding
) -> Tensor:
    """Return for each sample the last D of its states (initial_b ++ states_b[:len_b]), (D, B, H), oldest first."""
    depth, steps = initial.size(0), states.size(0)
    if lengths is None and torch.compiler.is_compiling():  # a graph is to hold for T below D and above
        return torch.cat((initial, states))[steps:].clone()
    if lengths is None:  # a copy, which does not keep all states alive
        return states[-depth:].clone() if steps >= depth else torch.cat((initial[steps:], states))
    rows = lengths + torch.arange(depth, device=lengths.device).unsqueeze(1)  # (D, B), counted from the oldest
    given = pick(initial, rows.clamp(max=depth - 1))
    taken = pick(states, (rows - depth).clamp(min=0))
    return torch.where((rows < depth).unsqueeze(2), given, taken)


def per_sample_reverse(x: Tensor, lengths: Tensor) -> Tensor:
    """Return each sample read backwards, y[t, b] = x[len_b - 1 - t, b], the padding left where it is."""
    steps = torch.arange(x.size(0), device=lengths.device).unsqueeze(1)
    mirrored = lengths - 1 - steps
    return pick(x, torch.where(mirrored < 0, steps, mirrored))

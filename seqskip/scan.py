"""THE loop over time: the slow, obvious, permanent reference for every cell."""

import torch
from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import History, State
from seqskip.lengths import last_states, padding


def unroll(
    cell: Cell,
    x: Tensor,  # (T, B, I)
    initial: State,  # each part (D, B, H), oldest first
) -> History:
    """Run a cell over all time steps and return every state it passed through."""
    history = History(initial)
    for projected in cell.project(x).unbind(0):
        history.append(cell.step(projected, history))
    return history


def scan(
    cell: Cell,
    x: Tensor,  # (T, B, I)
    initial: State,  # each part (D, B, H), D = cell.depth, oldest first
    lengths: Tensor | None = None,  # (B,), int64, 0 <= len_b <= T
) -> tuple[Tensor, State]:
    """Return the hidden state at every step, (T, B, H), and the delay line with which to go on.

    With `lengths` sample b ends after its first len_b steps: its delay line is the one it has then, its output
    beyond is 0, and no finite number that stands in the padding has an effect or gets a gradient. A stack clears
    the padding once (`seqskip.layouts`), and each layer that of its output; cleared by each layer it would be copied.
    """
    if lengths is None:
        history = unroll(cell, x, initial)
        return history.since_start(part=0), history.newest()
    states = unroll_each(cell, x, initial, lengths)
    return states[0], tuple(last_states(part, own, lengths) for part, own in zip(initial, states, strict=True))


def states(cell: Cell, x: Tensor, initial: State, lengths: Tensor | None) -> State:
    """Return every part of the state at every step, (T, B, width), 0 in the padding; arguments as for `scan`."""
    if lengths is not None:
        return unroll_each(cell, x, initial, lengths)
    history = unroll(cell, x, initial)
    return tuple(history.since_start(part) for part in range(len(initial)))


def unroll_each(cell: Cell, x: Tensor, initial: State, lengths: Tensor) -> State:
    """Run a cell over each sample's own steps; return every part of the state, (T, B, H), 0 in the padding."""
    history = History(initial)
    ended, zero = padding(lengths, x.size(0)).unsqueeze(2), initial[0].new_zeros(())
    for projected, over in zip(cell.project(x).unbind(0), ended.unbind(0), strict=True):
        # Left to run on, a state might grow beyond all bounds, and infinity times a zero gradient is NaN.
        history.append(tuple(torch.where(over, zero, part) for part in cell.step(projected, history)))
    return tuple(history.since_start(part) for part in range(len(initial)))

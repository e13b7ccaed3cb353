"""THE loop over time: the slow, obvious, permanent reference for every cell."""

from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import History, State


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
    initial: State,  # each part (D, B, H), D = max(delays), oldest first
) -> tuple[Tensor, State]:
    """Return the hidden state at every step, (T, B, H), and the delay line with which to go on."""
    history = unroll(cell, x, initial)
    return history.since_start(part=0), history.newest()

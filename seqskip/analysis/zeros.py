"""Why a gradient is exactly zero: nothing leads there, something is saturated, or somebody cut the graph."""

from collections.abc import Iterable, Sequence
from enum import IntEnum

import numpy as np
import numpy.typing as npt
import torch

from seqskip.cells import Cell, RNNCell, TorchCell
from seqskip.delays import edges
from seqskip.directions import Forward
from seqskip.recurrent import Recurrent
from seqskip.stack import Block

Bits = int  # bit n stands for the lag n


class Zero(IntEnum):
    """Kinds of zeros. A gradient too small for floating point is none: its logarithm is finite."""

    NONE = 0  # no zero
    STRUCTURAL = 1  # no path leads from there to the answer: no sum of delays is the lag, or a matrix is zero
    SATURATED = (
        2  # a path leads there, but a derivative on it is exactly zero: ReLU off, a gate or tanh at its end, a factor 0
    )
    DETACHED = 3  # the answer depends on it, but somebody cut the graph: .detach(), no_grad, numpy


def reachable(cores: Sequence[tuple[Recurrent, int]], lags: int, wrt: str = "h") -> npt.NDArray[np.bool_]:
    """Return whether a path leads from each layer's variables n steps back to the answer, (L, lags).

    A lag is reached where it is a sum of delays and taps, of this layer and those above, whose matrices are not zero;
    an LSTM's c and a GRU's h are carried over all their delays. Of a cell that is not torch.nn's it is taken that every
    part of its state reads all of what it can: a zero is then called saturated unless no delays lead there at all.
    Layers of different stacks are taken to be wired one above the other, step by step.

    Args:
        cores: for each layer, the lowest first, the stack that it is in and its place there.
        lags: N; the lags are 0 to N - 1.
        wrt: with respect to what, as `gradient_decay` has it.
    """
    source, found = 1, []  # the answer reads the top layer's output at lag 0
    for core, index in reversed(cores):
        layer = _Reach(core.blocks()[index], source, (1 << lags) - 1)
        found.append(layer.of(wrt))
        source = layer.x
    return np.array([[bits >> n & 1 for n in range(lags)] for bits in reversed(found)], dtype=bool)


class _Reach:
    """The lags at which paths lead from the variables of one layer, given those at which its output is read."""

    def __init__(self, block: Block, source: Bits, mask: Bits):
        cell, self.source, self.mask = block.forward.cell, source, mask
        used = _used(cell)
        # Of a cell that nobody knows here, it is taken that it carries its state as LSTM and GRU do.
        steps = used if type(cell) is RNNCell else cell.edges
        self.made = self._closure(source, steps)  # where the step's new state is read, in any part
        self.h = self.made if len(cell.state_names) == 1 else source | self._shifted(self.made, used)
        self.c = self._shifted(self.made, cell.edges)
        self.x = self._shifted(self.made, _read(block.forward)) | (source if block.join is not None else 0)

    def of(self, wrt: str) -> Bits:
        return {"h": self.h, "c": self.c, "state": self.h | self.c, "pre": self.made, "x": self.x}[wrt]

    def _shifted(self, bits: Bits, delays: Iterable[int]) -> Bits:
        found = 0
        for d in delays:
            found |= bits << d
        return found & self.mask

    def _closure(self, bits: Bits, delays: Iterable[int]) -> Bits:
        """Return all lags that sums of delays lead to, in twice as many hops each time."""
        before = -1
        while bits != before:
            before = bits
            for d in delays:
                hop = d
                while hop < self.mask.bit_length():
                    bits |= bits << hop & self.mask
                    hop *= 2
        return bits


def _used(cell: Cell) -> Sequence[int]:
    """Return the steps back from which a cell reads h by a matrix that is not zero, as far as one can know."""
    if not isinstance(cell, TorchCell):
        return cell.edges
    if cell.combine == "sum":
        matrices = torch.split(cell.weight_hh, cell.widths[0], 1)
        return edges([d for d, matrix in zip(cell.delays, matrices, strict=True) if bool(matrix.any())])
    found = set(edges(cell.delays)) if bool(cell.weight_hh.any()) else set()
    if cell.weight_gate_hh is not None and len(cell.delays) > 1 and bool(cell.weight_gate_hh.any()):
        found.add(1)
    return sorted(found)


def _read(reader: Forward) -> Sequence[int]:
    """Return the steps back from which a recurrence reads its input by a matrix that is not zero."""
    taps, cell = reader.taps.delays if reader.taps else (0,), reader.cell
    if not isinstance(cell, TorchCell):
        return taps
    matrices = [cell.weight_ih] if cell.weight_gate_ih is None else [cell.weight_ih, cell.weight_gate_ih]
    columns = torch.split(torch.cat(matrices), cell.weight_ih.size(1) // len(taps), 1)
    return [tap for tap, matrix in zip(taps, columns, strict=True) if bool(matrix.any())]


def classify(log_norm: npt.NDArray[np.float64], reached: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return the `Zero` of each log norm, (S, L, B, A, N), given the lags that each layer reaches, (L, N)."""
    kinds = np.where(reached, Zero.SATURATED, Zero.STRUCTURAL)[None, :, None, None, :]
    found: npt.NDArray[np.uint8] = np.where(np.isneginf(log_norm), kinds, Zero.NONE).astype(np.uint8)
    return found

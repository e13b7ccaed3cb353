"""Calls of one recurrent module that go on from each other: one sequence in chunks, or step by step."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqskip.analysis.recording.call import Call
from seqskip.cells import Cell
from seqskip.history import State
from seqskip.recurrent import Recurrent


@dataclass(frozen=True, eq=False)
class Chain:
    """All calls over one sequence, in the order of time."""

    module: str  # its dotted name
    core: Recurrent  # what it is, or is seen as
    calls: list[Call] = field(default_factory=list)

    def goes_on(self, call: Call, initial: State) -> bool:
        """Return whether a call starts from the state that the chain's last one gave, even if that was detached."""
        last = self.calls[-1]
        sources = {id(leaf) for place in call.initial for leaf in place.leaves}
        given = {_memory(part) for part in last.handed}
        return any(id(leaf) in sources for leaf in last.leaves.all) or any(_memory(part) in given for part in initial)


def _memory(tensor: Tensor) -> int:
    address: int = tensor.untyped_storage()._cdata
    return address


@dataclass(frozen=True, eq=False)
class RecordedLayer:
    """One layer of a recorded stack, over all its time steps."""

    name: str
    chain: Chain
    index: int  # in its stack, 0 is the first

    @property
    def core(self) -> Recurrent:
        """The stack that the layer belongs to, seqskip's own or torch.nn's seen as such."""
        return self.chain.core

    @property
    def steps(self) -> int:
        """The time steps T that were recorded."""
        return sum(call.steps for call in self.chain.calls)

    def steps_of(self, calls: Sequence[Call]) -> npt.NDArray[np.bool_]:
        """Return which of the T steps belong to some of the calls."""
        mine = {id(call) for call in calls}
        return np.repeat([id(call) in mine for call in self.chain.calls], [call.steps for call in self.chain.calls])

    @property
    def batch(self) -> int:
        """The samples B."""
        return self.chain.calls[0].leaves.output.size(1)

    @property
    def cell(self) -> Cell:
        """Its recurrence, with the stack's present weights."""
        return self.core.cell(self.index)

    @property
    def size(self) -> int:
        """The numbers S of one state: h, or h and c side by side."""
        return sum(self.cell.widths)

    @property
    def edges(self) -> tuple[int, ...]:
        """How many steps back its recurrence reads."""
        return self.cell.edges

    @property
    def states(self) -> State:
        """The states at all steps, each part (T, B, width), float64."""
        return tuple(torch.cat(part) for part in zip(*self._states(), strict=True))

    @property
    def largest(self) -> float:
        """The largest number of the model's dtype: what is beyond it in float64 is infinite for the model."""
        return torch.finfo(self.chain.calls[0].leaves.output.dtype).max

    @property
    def is_finite(self) -> bool:
        """Whether no state, nor what the stack reads, is NaN, or infinite in the model's dtype."""
        # No comparison with NaN is true.
        parts = [part for call in self._read_and_done() for part in call if part.numel()]
        return all(bool(part.amax() <= self.largest) and bool(part.amin() >= -self.largest) for part in parts)

    def good_steps(self) -> Tensor:
        """Return at which of the T steps that holds, (T,)."""
        parts = [torch.cat(part) for part in zip(*self._read_and_done(), strict=True)]
        return torch.stack([(part.abs() <= self.largest).flatten(1).all(1) for part in parts]).all(0)

    def _read_and_done(self) -> list[State]:
        # What a layer above reads are the states below it. Gates may hide an infinite input: they are at their ends.
        read = [(call.trace.layers[0].trace.x,) if self.index == 0 else () for call in self.chain.calls]
        return [(*x, *states) for x, states in zip(read, self._states(), strict=True)]

    def _states(self) -> list[State]:
        return [call.trace.layers[self.index].trace.states for call in self.chain.calls]


def layers_of(chains: Sequence[Chain]) -> tuple[RecordedLayer, ...]:
    """Return the layers of all chains by name.

    A module's layers are "lstm", or "lstm.l0", "lstm.l1" if it has several; the calls over another sequence are
    those of "lstm#2"; and the layers of the only module are "l0", "l1".
    """
    layers = []
    for n, chain in enumerate(chains):
        before = sum(other.module == chain.module for other in chains[:n])
        base = (chain.module or "model") + (f"#{before + 1}" if before else "")
        for index in range(chain.core.num_layers):
            alone = f"l{index}" if len(chains) == 1 else base
            several = len(chains) > 1 and chain.core.num_layers > 1
            layers.append(RecordedLayer(f"{base}.l{index}" if several else alone, chain, index))
    return tuple(layers)

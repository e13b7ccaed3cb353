"""One call of a recurrent stack, cut out of the graph: leaves stand where its outputs stood."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.analysis.adjoint import LookAt, Pulled, StackTrace
from seqskip.analysis.recording.graph import Place
from seqskip.analysis.recording.line import Line, cut, put
from seqskip.analysis.scaled import Scaled
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class Leaves:
    """What a call gave to the rest of the model, in the model's dtype; the graph ends here."""

    output: Tensor  # (T, B, ·)
    final: State  # parts (Σ D, B, width)

    @classmethod
    def of(cls, trace: StackTrace, dtype: torch.dtype) -> "Leaves":
        """Return leaves with the values of what a stack did."""
        output, *final = (part.to(dtype, copy=True).requires_grad_() for part in (trace.output, *trace.final))
        return cls(output, tuple(final))

    @property
    def all(self) -> State:
        """The output, then the parts of the state."""
        return self.output, *self.final


@dataclass(frozen=True, eq=False)
class Call:
    """What a stack did in one call, and where its input and its first states came from."""

    trace: StackTrace
    leaves: Leaves
    x: Place
    initial: tuple[Place, ...]
    handed: State  # the final state as the model got it

    @property
    def steps(self) -> int:
        """The time steps T of the call."""
        return self.leaves.output.size(0)

    def along_carry(self) -> "Call | None":
        """Return the same call, `StackTrace.along_carry` of its stack, or None."""
        trace = self.trace.along_carry()
        return None if trace is None else replace(self, trace=trace)

    def pull(
        self,
        output: Scaled,
        final: Sequence[Scaled] | None,
        states: Sequence[Scaled | None],
        look: LookAt,
        for_input: bool,
    ) -> tuple[list[Pulled], list[tuple[Place, Scaled]]]:
        """Pull the cotangents of the leaves back through the stack.

        Args:
            output: of the output, (T, R, ·).
            final: of each part of the final state, (Σ D, R, width); None for nothing.
            states: what else reaches the states of each layer directly, (T, R, S); None for nothing.
            look: given a layer's cell, says what is to be kept of the gradients of its states.
            for_input: find the gradient of the input even if no gradient goes further back from there.

        Returns:
            What comes out of each layer; and the places where the input and the parts of the initial state came
            from, with their cotangents.
        """
        layers = self.trace.layers
        lines: list[Line | None] = [None] * len(states) if final is None else [*cut(final, layers)]
        since = [None if line is None else line.since_start(self.steps) for line in lines]
        direct = [_sum(own, line.state if line else None) for own, line in zip(states, since, strict=True)]
        reads = [line.read if line else None for line in since]
        pulled = self.trace.pull(output, look, direct, reads, for_input or bool(self.x.leaves), for_input)
        pulled = [_with_rest(one, line, self.steps) for one, line in zip(pulled, lines, strict=True)]
        further = list(zip(self.initial, put(pulled, layers), strict=True))
        return pulled, further if pulled[0].x is None else [(self.x, pulled[0].x), *further]


def _sum(one: Scaled | None, other: Scaled | None) -> Scaled | None:
    return one if other is None else other if one is None else one + other


def _with_rest(pulled: Pulled, line: Line | None, steps: int) -> Pulled:
    """Add what reaches the initial states as those with which a delay line longer than the sequence still begins."""
    if line is None:
        return pulled
    rest = line.before_start(steps)
    return replace(pulled, initial=pulled.initial + rest.state, before=_sum(pulled.before, rest.read))

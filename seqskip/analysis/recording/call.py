"""One call of a recurrent stack, cut out of the graph: leaves stand where its outputs stood."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.analysis.adjoint import Look, Pulled, StackTrace
from seqskip.analysis.adjoint.trace import widened
from seqskip.analysis.recording.graph import Place
from seqskip.analysis.scaled import Scaled, finite
from seqskip.history import State


@dataclass(frozen=True, eq=False)
class Leaves:
    """What a call gave to the rest of the model, in the model's dtype; the graph ends here."""

    output: Tensor  # (T, B, H)
    final: State  # parts (Σ D, B, H)

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
        look: Look,
        for_input: bool,
    ) -> tuple[list[Pulled], list[tuple[Place, Scaled]]]:
        """Pull the cotangents of the leaves back through the stack.

        Args:
            output: of the output, (T, R, H).
            final: of each part of the final state, (Σ D, R, H); None for nothing.
            states: what else reaches the states of each layer directly, (T, R, P·H); None for nothing.
            look: what is to be kept of the gradients of the states.
            for_input: find the gradient of the input even if no gradient goes further back from there.

        Returns:
            What comes out of each layer; and the places where the input and the parts of the initial state came
            from, with their cotangents.
        """
        parts = len(self.initial) - bool(self.trace.inputs)
        lines = [None] * len(states) if final is None else _split(_joined(final[:parts]), self.trace.depths)
        after = [] if final is None or not self.trace.inputs else self._inputs(final[parts])
        direct = [_direct(own, line, self.steps) for own, line in zip(states, lines, strict=True)]
        further = for_input or any(bool(place.leaves) for place in (self.x, *self.initial[parts:]))
        pulled = self.trace.pull(output, look, direct, further, for_input, after)
        pulled = [_with_rest(one, line, self.steps) for one, line in zip(pulled, lines, strict=True)]
        line = Scaled.cat([one.initial for one in pulled])
        places = list(zip(self.initial[:parts], _parts(line, parts), strict=True))
        if pulled[0].x is None:
            return pulled, places
        before = [one for layer in pulled for one in layer.before]
        held = [(place, _below(before)) for place in self.initial[parts:]]
        return pulled, [(self.x, pulled[0].x), *places, *held]

    def _inputs(self, part: Scaled) -> list[Scaled]:
        """Return the cotangents of each layer's past inputs, (D, R, I): zeros stand beside those of few features."""
        sizes = [before.size(-1) for layer in self.trace.layers for before in layer.reading.before]
        lines = zip(_split(part, self.trace.inputs), sizes, strict=True)
        return [line.map(lambda rows, size=size: rows[..., :size]) for line, size in lines]  # type: ignore[misc]


def _direct(own: Scaled | None, line: Scaled | None, steps: int) -> Scaled | None:
    """Return all that reaches the states of a layer directly, of which the last ones are its delay line."""
    if line is None:
        return own
    return _since_start(line, steps) if own is None else own + _since_start(line, steps)


def _with_rest(pulled: Pulled, line: Scaled | None, steps: int) -> Pulled:
    """Add what reaches the initial states as those with which a delay line longer than the sequence still begins."""
    return pulled if line is None else replace(pulled, initial=pulled.initial + _before_start(line, steps))


def _joined(parts: Sequence[Scaled]) -> Scaled:
    """Put the parts of a state side by side, (N, R, P·H)."""
    top = torch.stack([part.log for part in parts]).amax(0)
    return Scaled.of(torch.cat([part.relative_to(top) for part in parts], -1), finite(top))


def _parts(state: Scaled, count: int) -> list[Scaled]:
    return [Scaled(value, state.log) for value in state.value.chunk(count, -1)]


def _below(lines: Sequence[Scaled]) -> Scaled:
    """Put lines one below the other, with zeros beside those of few features."""
    width = max(line.value.size(-1) for line in lines)
    return Scaled.cat([widened(line, width) for line in lines])


def _split(line: Scaled, depths: Sequence[int]) -> list[Scaled]:
    ends = itertools.accumulate(depths)
    return [line[end - depth : end] for depth, end in zip(depths, ends, strict=True)]


def _since_start(line: Scaled, steps: int) -> Scaled:
    """Return the rows of a delay line at the steps that they are the states of, (T, R, F); zeros at the others."""
    newest = line[max(0, len(line.log) - steps) :]
    return Scaled.cat((_zeros(steps - len(newest.log), line), newest))


def _before_start(line: Scaled, steps: int) -> Scaled:
    """Return the rows of a delay line that are initial states still, where they stood among these, (D, R, F)."""
    depth = len(line.log)
    return Scaled.cat((_zeros(min(steps, depth), line), line[: max(0, depth - steps)]))


def _zeros(count: int, like: Scaled) -> Scaled:
    return Scaled.zeros(count, *like.value.shape[1:], like=like.value)

"""The delay lines of the layers of a call, in log space: what arrives at them, and what goes on from them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from seqskip.analysis.adjoint import LayerTrace, Pulled
from seqskip.analysis.adjoint.trace import widened
from seqskip.analysis.scaled import Scaled, finite


@dataclass(frozen=True, eq=False)
class Line:
    """Cotangents of one layer's delay line."""

    state: Scaled  # (D, R, S), the parts side by side
    read: Scaled | None  # (D', R, I), of the inputs that taps hold; None without taps

    def since_start(self, steps: int) -> "Line":
        """Return the rows at the steps that they are the states of, (T, R, ·); zeros at the others."""
        return self._each(lambda line: _since_start(line, steps))

    def before_start(self, steps: int) -> "Line":
        """Return the rows that are initial states still, where they stood among these, (D, R, ·)."""
        return self._each(lambda line: _before_start(line, steps))

    def _each(self, change: Callable[[Scaled], Scaled]) -> "Line":
        return Line(change(self.state), None if self.read is None else change(self.read))


def cut(state: Sequence[Scaled], layers: Sequence[LayerTrace]) -> list[Line]:
    """Return the line of each layer from the parts of a stack's state, which `seqskip.stack.split_state` cuts."""
    lines, starts = [], [0] * len(state)
    for layer in layers:
        parts = []
        for n, (rows, width) in enumerate(layer.lines):
            part = state[n][starts[n] : starts[n] + rows]
            parts.append(Scaled(part.value[..., :width], part.log))
            starts[n] += rows
        own = len(layer.trace.states)
        lines.append(Line(_side_by_side(parts[:own]), parts[own] if len(parts) > own else None))
    return lines


def put(pulled: Sequence[Pulled], layers: Sequence[LayerTrace]) -> list[Scaled]:
    """Return what reaches each part of a stack's initial state from what comes out of its layers."""
    lines = [_parts(one, layer) for one, layer in zip(pulled, layers, strict=True)]
    return [_below(parts) for parts in zip(*lines, strict=True)]


def _parts(pulled: Pulled, layer: LayerTrace) -> list[Scaled]:
    widths = [state.size(-1) for state in layer.trace.states]
    own = [Scaled(value, pulled.initial.log) for value in torch.split(pulled.initial.value, widths, -1)]
    return own if pulled.before is None else [*own, pulled.before]


def _side_by_side(parts: Sequence[Scaled]) -> Scaled:
    top = torch.stack([part.log for part in parts]).amax(0)
    return Scaled.of(torch.cat([part.relative_to(top) for part in parts], -1), finite(top))


def _below(lines: Sequence[Scaled]) -> Scaled:
    width = max(line.value.size(-1) for line in lines)
    return Scaled.cat([widened(line, width) for line in lines])


def _since_start(line: Scaled, steps: int) -> Scaled:
    newest = line[max(0, len(line.log) - steps) :]
    return newest.placed(steps - len(newest.log), steps)


def _before_start(line: Scaled, steps: int) -> Scaled:
    depth = len(line.log)
    return line[: max(0, depth - steps)].placed(min(steps, depth), depth)

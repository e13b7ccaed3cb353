"""A whole stack of layers over one sequence, and the way back through it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.analysis.adjoint.by_autograd import trace_by_autograd
from seqskip.analysis.adjoint.by_hand import trace_by_hand
from seqskip.analysis.adjoint.reading import Reading, repeated
from seqskip.analysis.adjoint.trace import Look, Pulled, Trace, widened
from seqskip.analysis.exact import in_float64
from seqskip.analysis.scaled import Scaled
from seqskip.engines.bptt import SweepEngine
from seqskip.history import State
from seqskip.recurrent import Recurrent
from seqskip.stack import Block, join_state, split_state


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer with what stands round its recurrence, z = block.answer(x, mask ⊙ f(reading.read; W))."""

    trace: Trace
    block: Block  # without dropout
    reading: Reading
    mask: Tensor | None  # (T, B, H) of dropout, zeros and 1 / (1 - p)

    @property
    def output(self) -> Tensor:
        """The layer's output z, (T, B, ·)."""
        return self.block.answer(self.reading.x, self._masked(self.trace.output))

    @property
    def final(self) -> State:
        """The layer's delay line after the last step."""
        return *self.trace.final, *self.reading.after

    def pull(
        self, output: Scaled, state: Scaled | None, look: Look, for_input: bool, after: Scaled | None = None
    ) -> Pulled:
        """Pull ∂L/∂z_t, (T, R, ·), and what else L says about the layer, back.

        Args:
            state: of its states, (T, R, S).
            after: of the inputs with which to go on, (D, R, I), where there are input delays.
        """
        around, direct = self._round(output)
        direct = direct.map(self._masked)
        if state is not None:
            direct = widened(direct, state.value.size(-1)) + state
        found = self.trace.pull(direct, look, for_input)
        if found.x is None:
            return found
        x, before = self.reading.pull(found.x, after)
        return replace(found, x=x if around is None else x + around, before=before)

    def _masked(self, rows: Tensor) -> Tensor:
        return rows if self.mask is None else rows * repeated(self.mask, rows)

    def _round(self, output: Scaled) -> tuple[Scaled | None, Scaled]:
        """Return what of ∂L/∂z_t reaches x past the recurrence, None for nothing, and what reaches f."""
        if self.block.answers_plainly:
            return None, output
        value = output.value
        with torch.enable_grad():
            x = repeated(self.reading.x, value).requires_grad_()
            f = repeated(self._masked(self.trace.output), value).requires_grad_()
            to_x, to_f = torch.autograd.grad(self.block.answer(x, f), (x, f), value, materialize_grads=True)
        return Scaled(to_x, output.log), Scaled(to_f, output.log)


@dataclass(frozen=True, eq=False)
class StackTrace:
    """The layers of a stack over one sequence, all in float64, with the weights that they had."""

    layers: tuple[LayerTrace, ...]

    @property
    def output(self) -> Tensor:
        """The output z of the last layer, (T, B, H)."""
        return self.layers[-1].output

    @property
    def depths(self) -> tuple[int, ...]:
        """The number D of past states in the delay line of each layer."""
        return tuple(len(layer.trace.initial[0]) for layer in self.layers)

    @property
    def inputs(self) -> tuple[int, ...]:
        """The number of past inputs that each layer holds; nothing where no layer has input delays."""
        return tuple(len(before) for layer in self.layers for before in layer.reading.before)

    @property
    def final(self) -> State:
        """The state after the last step, each part (Σ D, B, H), as the stack returns it."""
        return join_state([layer.final for layer in self.layers])

    def along_carry(self) -> "StackTrace | None":
        """Return the same stack, `Trace.along_carry` of each layer, or None."""
        found = [replace(layer, trace=carry) for layer in self.layers if (carry := layer.trace.along_carry())]
        return StackTrace(tuple(found)) if len(found) == len(self.layers) else None

    def pull(
        self,
        output: Scaled,
        look: Look,
        states: Sequence[Scaled | None] | None = None,
        for_input: bool = True,
        for_inputs: bool = True,
        after: Sequence[Scaled] = (),
    ) -> list[Pulled]:
        """Pull ∂L/∂z_t of the last layer's output, (T, R, H), back through all layers.

        Args:
            look: says what is to be kept of what is found in each layer.
            states: for each layer what else L says about its states directly, (T, R, P·H), or None for nothing.
            for_input: find ∂L/∂x of the first layer too.
            for_inputs: keep ∂L/∂x of the layers above it, each as large as a layer's states, which else are let go of
                as soon as the layer below has been passed.
            after: for each layer what L says about the inputs with which to go on, (D, R, I), or nothing at all.

        Returns:
            What comes out of each layer, the first one first.
        """
        found: list[Pulled] = []
        cotangent: Scaled | None = output
        for n in reversed(range(len(self.layers))):
            assert cotangent is not None
            held = after[n] if after else None
            pulled = self.layers[n].pull(cotangent, states[n] if states else None, look, for_input or n > 0, held)
            found.insert(0, pulled if for_inputs or n == 0 else replace(pulled, x=None))
            cotangent = pulled.x
        return found


@torch.no_grad()
def trace_stack(core: Recurrent, x: Tensor, initial: State) -> StackTrace:
    """Run a stack over x, (T, B, I), from its state, parts (Σ D, B, H), and keep what the way back needs.

    The weights are taken as they are and all that follows is float64: of a float32 model one measures what the
    model is, not what rounding adds. Each layer runs on the engine that it would choose.
    """
    blocks, z = [block.drawn(x.size(1)) for block in core.blocks()] if core.training else core.blocks(), x.double()
    lines = split_state(blocks, tuple(part.double() for part in initial))
    layers = []
    for block, line in zip(blocks, lines, strict=True):
        layers.append(_trace_block(block, z, *line))
        z = layers[-1].output
    return StackTrace(tuple(layers))


def _trace_block(block: Block, x: Tensor, initial: State) -> LayerTrace:
    exact = in_float64(block)
    parts = len(initial) - (exact.forward.taps is not None)
    reading = Reading(exact, x, initial[parts:])
    cell, engine, read, initial = exact.forward.cell, block.forward.engine, reading.read, initial[:parts]
    if isinstance(engine, SweepEngine):
        trace = trace_by_hand(engine, cell, read, initial)
    else:
        trace = trace_by_autograd(cell, read, initial)
    mask = _dropout_mask(trace.output, block.dropout, block.forward.cell.weight.dtype) if block.dropout else None
    return LayerTrace(trace, exact, reading, mask)


def _dropout_mask(output: Tensor, probability: float, dtype: torch.dtype) -> Tensor:
    """Return the mask that the model itself, in its own dtype, would draw from the same random state."""
    drawn = F.dropout(torch.ones_like(output, dtype=dtype), probability)
    return (drawn != 0).double() / (1 - probability) if probability < 1 else torch.zeros_like(output)

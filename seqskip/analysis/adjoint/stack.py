"""A whole stack of layers over one sequence, and the way back through it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.analysis.adjoint.around import Answering, Reading
from seqskip.analysis.adjoint.by_autograd import trace_by_autograd
from seqskip.analysis.adjoint.by_hand import swept, trace_by_hand
from seqskip.analysis.adjoint.trace import Look, LookAt, Pulled, Trace, widened
from seqskip.analysis.exact import in_float64
from seqskip.analysis.scaled import Scaled
from seqskip.engines.bptt import SweepEngine
from seqskip.history import State
from seqskip.recurrent import Recurrent
from seqskip.stack import Block, join_state, split_state


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer: its recurrence, and what stands round it."""

    trace: Trace
    reading: Reading
    answering: Answering
    after: Tensor | None  # (D, B, I): the inputs that the taps read after the last step; None without taps

    @property
    def output(self) -> Tensor:
        """The layer's output z, (T, B, ·)."""
        return self.answering.run(self.trace.output)

    @property
    def final(self) -> State:
        """The layer's delay line after the last step, each part (D, B, width)."""
        return self.trace.final if self.after is None else (*self.trace.final, self.after)

    @property
    def lines(self) -> list[tuple[int, int]]:
        """The rows and the columns of each part of the delay line."""
        return self.reading.block.forward.lines

    def pull(self, output: Scaled, state: Scaled | None, read: Scaled | None, look: Look, for_input: bool) -> Pulled:
        """Pull ∂L/∂z_t, (T, R, ·), and what else L says about states, (T, R, S), and inputs read, (T, R, I), back."""
        around, direct = self.answering.pull(output, self.trace.output)
        if state is not None:
            direct = widened(direct, state.value.size(-1)) + state
        found = self.trace.pull(direct, look, for_input or self.after is not None)
        if found.x is None:
            return found
        x, before = self.reading.pull(found.x, read)
        return replace(found, x=x if around is None else x + around, before=before)


@dataclass(frozen=True, eq=False)
class StackTrace:
    """The layers of a stack over one sequence, all in float64, with the weights that they had."""

    layers: tuple[LayerTrace, ...]

    @property
    def output(self) -> Tensor:
        """The output z of the last layer, (T, B, ·)."""
        return self.layers[-1].output

    @property
    def final(self) -> State:
        """The state after the last step, as the stack returns it."""
        return join_state([layer.final for layer in self.layers])

    def along_carry(self) -> "StackTrace | None":
        """Return the same stack, `Trace.along_carry` of each layer, or None."""
        found = [replace(layer, trace=carry) for layer in self.layers if (carry := layer.trace.along_carry())]
        return StackTrace(tuple(found)) if len(found) == len(self.layers) else None

    def pull(
        self,
        output: Scaled,
        look: LookAt,
        states: Sequence[Scaled | None] | None = None,
        reads: Sequence[Scaled | None] | None = None,
        for_input: bool = True,
        for_inputs: bool = True,
    ) -> list[Pulled]:
        """Pull ∂L/∂z_t of the last layer's output, (T, R, ·), back through all layers.

        Args:
            look: given a layer's cell, says what is to be kept of what is found there.
            states: for each layer what else L says about its states directly, (T, R, S), or None for nothing.
            reads: for each layer with taps what L says about the inputs that these hold, (T, R, I), or None.
            for_input: find ∂L/∂x of the first layer too.
            for_inputs: keep ∂L/∂x of the layers above it, each as large as a layer's states, which else are let go of
                as soon as the layer below has been passed.

        Returns:
            What comes out of each layer, the first one first.
        """
        found: list[Pulled] = []
        nothing: list[Scaled | None] = [None] * len(self.layers)
        direct = list(zip(self.layers, states or nothing, reads or nothing, strict=True))
        cotangent: Scaled | None = output
        for n, (layer, state, read) in reversed(list(enumerate(direct))):
            assert cotangent is not None
            pulled = layer.pull(cotangent, state, read, look(layer.trace.cell), for_input or n > 0)
            found.insert(0, pulled if for_inputs or n == 0 else replace(pulled, x=None))
            cotangent = pulled.x
        return found


@torch.no_grad()
def trace_stack(core: Recurrent, x: Tensor, initial: State) -> StackTrace:
    """Run a stack over x, (T, B, I), from its state, and keep what the way back needs.

    The weights are taken as they are and all that follows is float64: of a float32 model one measures what the
    model is, not what rounding adds. Each layer runs on the engine that it would choose.
    """
    blocks, z = core.drawn_blocks(x.size(1)), x.double()
    lines = split_state(blocks, tuple(part.double() for part in initial))
    layers = []
    for block, line in zip(blocks, lines, strict=True):
        layers.append(_trace_block(block, z, line[0]))
        z = layers[-1].output
    return StackTrace(tuple(layers))


def _trace_block(block: Block, x: Tensor, initial: State) -> LayerTrace:
    exact, engine, state = in_float64(block), block.forward.engine, initial[: len(block.forward.cell.widths)]
    reading = Reading(exact, x, None if block.forward.taps is None else initial[-1])
    read, after = reading.run()
    cell = exact.forward.cell
    if isinstance(engine, SweepEngine) and swept(cell):
        trace = trace_by_hand(engine, cell, read, state)
    else:
        trace = trace_by_autograd(cell, read, state)
    mask = _dropout_mask(trace.output, block.dropout, block.forward.cell.weight.dtype) if block.dropout else None
    return LayerTrace(trace, reading, Answering(exact, x, mask), after)


def _dropout_mask(output: Tensor, probability: float, dtype: torch.dtype) -> Tensor:
    """Return the mask that the model itself, in its own dtype, would draw from the same random state."""
    drawn = F.dropout(torch.ones_like(output, dtype=dtype), probability)
    return (drawn != 0).double() / (1 - probability) if probability < 1 else torch.zeros_like(output)

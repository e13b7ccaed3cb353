"""A whole stack of layers over one sequence, and the way back through it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip.analysis.adjoint.by_autograd import trace_by_autograd
from seqskip.analysis.adjoint.by_hand import trace_by_hand
from seqskip.analysis.adjoint.trace import Look, Pulled, Trace, widened
from seqskip.analysis.scaled import Scaled
from seqskip.cells import Cell
from seqskip.engines.bptt import SweepEngine
from seqskip.history import State
from seqskip.recurrent import Recurrent
from seqskip.stack import Block, Projection, Shortcut, split_state


@dataclass(frozen=True, eq=False)
class LayerTrace:
    """One layer with what stands round its recurrence, z = mask ⊙ f(x; W) + shortcut(x)."""

    trace: Trace
    shortcut: Shortcut | None
    mask: Tensor | None  # (T, B, H) of dropout, zeros and 1 / (1 - p)

    @property
    def output(self) -> Tensor:
        """The layer's output z, (T, B, H)."""
        output = self.trace.output if self.mask is None else self.trace.output * self.mask
        return output if self.shortcut is None else output + self.shortcut(self.trace.x)

    def pull(self, output: Scaled, state: Scaled | None, look: Look, for_input: bool) -> Pulled:
        """Pull ∂L/∂z_t, (T, R, H), and what else L says about the layer's states, (T, R, P·H), back."""
        direct = output if self.mask is None else output.map(self._masked)
        if state is not None:
            direct = widened(direct, state.value.size(-1)) + state
        found = self.trace.pull(direct, look, for_input)
        if self.shortcut is None or found.x is None:
            return found
        return replace(found, x=found.x + output.map(self._through_shortcut))

    def _masked(self, rows: Tensor) -> Tensor:
        assert self.mask is not None
        return rows * self.mask.repeat(1, rows.size(1) // self.mask.size(1), 1)

    def _through_shortcut(self, rows: Tensor) -> Tensor:
        assert self.shortcut is not None
        with torch.enable_grad():
            leaf = rows.new_zeros(*rows.shape[:2], self.trace.x.size(-1), requires_grad=True)
            (pulled,) = torch.autograd.grad(self.shortcut(leaf), leaf, rows)
        return pulled


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
    def final(self) -> State:
        """The state after the last step, each part (Σ D, B, H), as the stack returns it."""
        return tuple(torch.cat(lines) for lines in zip(*(layer.trace.final for layer in self.layers), strict=True))

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
    ) -> list[Pulled]:
        """Pull ∂L/∂z_t of the last layer's output, (T, R, H), back through all layers.

        Args:
            look: says what is to be kept of what is found in each layer.
            states: for each layer what else L says about its states directly, (T, R, P·H), or None for nothing.
            for_input: find ∂L/∂x of the first layer too.
            for_inputs: keep ∂L/∂x of the layers above it, each as large as a layer's states, which else are let go of
                as soon as the layer below has been passed.

        Returns:
            What comes out of each layer, the first one first.
        """
        found: list[Pulled] = []
        cotangent: Scaled | None = output
        for n in reversed(range(len(self.layers))):
            assert cotangent is not None
            pulled = self.layers[n].pull(cotangent, states[n] if states else None, look, for_input or n > 0)
            found.insert(0, pulled if for_inputs or n == 0 else replace(pulled, x=None))
            cotangent = pulled.x
        return found


@torch.no_grad()
def trace_stack(core: Recurrent, x: Tensor, initial: State, dropout: float = 0.0) -> StackTrace:
    """Run a stack over x, (T, B, I), from its state, parts (Σ D, B, H), and keep what the way back needs.

    The weights are taken as they are and all that follows is float64: of a float32 model one measures what the
    model is, not what rounding adds. Each layer runs on the engine that it would choose.
    """
    blocks, z = core.blocks(), x.double()
    lines = split_state(blocks, tuple(part.double() for part in initial))
    layers = []
    for depth, (block, line) in enumerate(zip(blocks, lines, strict=True), start=1):
        layers.append(_trace_block(block, z, line[0], dropout if depth < len(blocks) else 0.0))
        z = layers[-1].output
    return StackTrace(tuple(layers))


def _trace_block(block: Block, x: Tensor, initial: State, dropout: float) -> LayerTrace:
    cell, engine = _in_float64(block.forward.cell), block.forward.engine
    if isinstance(engine, SweepEngine):
        trace = trace_by_hand(engine, cell, x, initial)
    else:
        trace = trace_by_autograd(cell, x, initial)
    mask = _dropout_mask(trace.output, dropout, block.forward.cell.weight_ih.dtype) if dropout else None
    return LayerTrace(trace, _shortcut_in_float64(block.shortcut), mask)


def _dropout_mask(output: Tensor, probability: float, dtype: torch.dtype) -> Tensor:
    """Return the mask that the model itself, in its own dtype, would draw from the same random state."""
    drawn = F.dropout(torch.ones_like(output, dtype=dtype), probability)
    return (drawn != 0).double() / (1 - probability) if probability < 1 else torch.zeros_like(output)


def _in_float64(cell: Cell) -> Cell:
    return cell.with_weights(lambda weight: weight.detach().double())


def _shortcut_in_float64(shortcut: Shortcut | None) -> Shortcut | None:
    return Projection(shortcut.weight.detach().double()) if isinstance(shortcut, Projection) else shortcut

"""The stack that RNN, LSTM and GRU share: torch.nn's constructor, weights, inputs and outputs, with skips."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqskip import checks
from seqskip.cells import COMBINE, Cell
from seqskip.delays import Delays, per_layer
from seqskip.directions import Forward, Reverse
from seqskip.engines import BACKENDS, choose, engine_name
from seqskip.history import State
from seqskip.init import INITIALISERS
from seqskip.layouts import BatchMajor, Layout, Packed, TimeMajor, Unbatched
from seqskip.segments import run_segments
from seqskip.stack import Block, Projection, Shortcut, identity
from seqskip.streaming import short_way

LayerInput = Tensor | PackedSequence
LayerState = Tensor | tuple[Tensor, ...]  # torch's: h_n, or (h_n, c_n) for an LSTM

_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
RESIDUALS = ("add",)


class Recurrent(nn.Module):
    """A stack of recurrent layers with the constructor, weights, inputs and outputs of torch.nn's.

    Inputs: x of shape (T, B, I), (B, T, I) with batch_first, (T, I) unbatched, or a PackedSequence; state as
    returned, or None for zeros; lengths, one integer in 0 to T per sample, where a batch is padded. Outputs: the
    last layer's output, (T, B, H) or laid out as x, and the state; (T, B, 2H) if bidirectional.

    The state holds the whole delay line: each part has shape (Σ_l D_l, B, H), D_l = max(delays of layer l),
    layer after layer and oldest first; if bidirectional, each layer's forward line and then its reverse line. With
    delays=1 that is torch's h_n, or (h_n, c_n). Whole sequence, chunks and single steps give the same outputs.

    A sample with a length gives what it gives alone, cut to its length: its state is that after its last step, its
    output beyond is 0, and its padding may hold anything. The reverse direction reads each sample from its own last
    step to its first, so its delays reach forward, h_{t+d} → h_t, and its state is that after the first step.

    Args:
        input_size: features I of the input.
        hidden_size: units H of each layer.
        num_layers: layers L of the stack.
        bias: give the cells bias_ih and bias_hh.
        batch_first: input and output are (B, T, ·) instead of (T, B, ·); the state is not affected.
        dropout: probability with which an output of a layer, but the last, is dropped in training.
        bidirectional: give each layer a second recurrence that reads backwards; outputs are side by side.
        delays: the time steps d of the edges h_{t-d} → h_t: an int, one tuple for all layers, or one per layer.
        combine: how several delays become one input: "sum" (a matrix per delay) or "mean" (one matrix).
        residual: "add" gives each layer a shortcut, z = f(x; W) + x, with a learned projection V x where
            sizes differ; None does not.
        init: "torch" or "orthogonal" (see `seqskip.init`).
        backend: "auto" for the fastest engine that can run, or one to force (see `seqskip.engines`): "reference",
            "fold", "torch" or "native".
        checkpoint_segments: cut a sequence in so many segments along time and hold, between forward and backward,
            one state for each instead of every activation. Gradients stay exact, as long as no weight changes
            before the backward pass. It costs one more forward pass; the backward pass holds the activations of
            one segment. 1 holds all. Not with bidirectional, nor under torch.func.grad, which knows no checkpoints.

    Raises:
        ValueError: an argument, an input or a state breaks a rule; the message names the rule and the repair.
    """

    cell_type: ClassVar[type[Cell]]
    weight_ih_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        delays: Delays = 1,
        combine: str = "sum",
        residual: str | None = None,
        init: str = "torch",
        backend: str = "auto",
        checkpoint_segments: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.input_size = checks.integer("input_size", input_size, 1)
        self.hidden_size = checks.integer("hidden_size", hidden_size, 1)
        self.num_layers = checks.integer("num_layers", num_layers, 1)
        self.bias = checks.boolean("bias", bias)
        self.batch_first = checks.boolean("batch_first", batch_first)
        self.dropout = checks.fraction("dropout", dropout)
        self.bidirectional = checks.boolean("bidirectional", bidirectional)
        self.delays = per_layer(delays, num_layers)
        self.combine = checks.choice("combine", combine, COMBINE)
        self.residual = None if residual is None else checks.choice("residual", residual, RESIDUALS)
        self.init = checks.choice("init", init, INITIALISERS)
        self.backend = checks.choice("backend", backend, BACKENDS)
        self.checkpoint_segments = checks.integer("checkpoint_segments", checkpoint_segments, 1)
        if self.checkpoint_segments > 1:
            checks.causal("checkpoint_segments > 1", bidirectional, "use checkpoint_segments=1, which holds all")
        if dtype is not None and not dtype.is_floating_point:
            raise ValueError(f"dtype must be a floating-point type, got {dtype}; use torch.float32")
        self._allocate({"device": device, "dtype": dtype})
        self.reset_parameters()

    def _allocate(self, factory: dict[str, Any]) -> None:
        for layer in range(self.num_layers):
            features = self.input_size if layer == 0 else self.output_size
            for direction in self._directions:
                self._allocate_cell(features, layer, direction.suffix, factory)
            if self.residual and features != self.output_size:
                projection = nn.Parameter(torch.empty(self.output_size, features, **factory))
                self.register_parameter(f"weight_residual_l{layer}", projection)

    def _allocate_cell(self, features: int, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        rows = self.cell_type.gates * self.hidden_size
        matrices = len(self.delays[layer]) if self.combine == "sum" else 1
        shapes = [(rows, features), (rows, matrices * self.hidden_size), (rows,), (rows,)]
        for name, shape in zip(_WEIGHTS, shapes, strict=True):
            weight = nn.Parameter(torch.empty(shape, **factory)) if self.bias or len(shape) > 1 else None
            self.register_parameter(f"{name}_l{layer}{suffix}", weight)

    @property
    def _directions(self) -> tuple[type[Forward], ...]:
        return (Forward, Reverse) if self.bidirectional else (Forward,)

    @property
    def output_size(self) -> int:
        """The features of the output: H, or 2H if bidirectional."""
        return len(self._directions) * self.hidden_size

    def reset_parameters(self) -> None:
        """Draw all weights anew: the cells' as `init` says, the projections from U(-1/√I, 1/√I)."""
        for layer in range(self.num_layers):
            for direction in self._directions:
                INITIALISERS[self.init](self.cell(layer, direction.suffix))
            shortcut = self._shortcut(layer)
            if isinstance(shortcut, Projection):
                bound = shortcut.weight.size(1) ** -0.5
                nn.init.uniform_(shortcut.weight, -bound, bound)

    def cell(self, layer: int, suffix: str = "") -> Cell:
        """Return one layer's recurrence, bound to its present weights; the suffix "_reverse" names the other one."""
        weights = [getattr(self, f"{name}_l{layer}{suffix}") for name in _WEIGHTS]
        make: Callable[..., Cell] = self.cell_type
        return make(*weights, self.delays[layer], self.combine, *self.cell_options)

    @property
    def cell_options(self) -> tuple[str, ...]:
        """What the cell takes besides weights, delays and combine."""
        return ()

    def _shortcut(self, layer: int) -> Shortcut | None:
        if self.residual is None:
            return None
        weight = getattr(self, f"weight_residual_l{layer}", None)
        return identity if weight is None else Projection(weight)

    @property
    def has_skips(self) -> bool:
        """Whether anything here skips time or depth; without, the stack is torch.nn's."""
        return self.residual is not None or any(delays != (1,) for delays in self.delays)

    def blocks(self) -> list[Block]:
        """Return the layers of the stack as they run: directions and shortcut of each."""
        return [Block(self._readers(layer), self._shortcut(layer)) for layer in range(self.num_layers)]

    def _readers(self, layer: int) -> list[Forward]:
        cells = [self.cell(layer, direction.suffix) for direction in self._directions]
        return [
            direction(cell, choose(cell, self.backend)) for direction, cell in zip(self._directions, cells, strict=True)
        ]

    def check_input(self, x: object) -> None:
        """Raise ValueError if `x` is no sequence that this layer can read."""
        layout = "(B, T, I)" if self.batch_first else "(T, B, I)"
        checks.sequence(x, self.input_size, self.weight_ih_l0, [layout, "(T, I)"])

    def forward(
        self, x: LayerInput, state: LayerState | None = None, *, lengths: Sequence[int] | Tensor | None = None
    ) -> tuple[LayerInput, LayerState]:
        """Run the stack over a sequence; shapes as in the class docstring."""
        layout = self._layout(x, lengths)
        z = layout.read()
        output, line = self.run(z, self._initial_state(z, state, layout), layout.lengths)
        final = tuple(map(layout.write_state, line))
        return layout.write(output), (final if len(final) > 1 else final[0])

    def run(self, z: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Run the stack once layouts are read: z (T, B, I) and a state of parts (Σ_l D_l, B, H) give z and a state."""
        dropout = self.dropout if self.training else 0.0
        return run_segments(self.checkpoint_segments, self.blocks(), z, initial, lengths, dropout)

    def _layout(self, x: LayerInput, lengths: Sequence[int] | Tensor | None) -> Layout:
        if isinstance(x, PackedSequence):
            return Packed(checks.packed(x, self.input_size, self.weight_ih_l0, lengths))
        self.check_input(x)
        if x.dim() == 2:
            checks.no_lengths(lengths, "an unbatched input (T, I)", "cut it to its length, x[:length]")
            return Unbatched(x)
        batch, steps = x.shape[:2] if self.batch_first else (x.size(1), x.size(0))
        ends = None if lengths is None else checks.lengths(lengths, batch, steps, x.device)
        return BatchMajor(x, ends) if self.batch_first else TimeMajor(x, ends)

    def step(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """Run one time step of a stream: x (B, I) or (I,) gives (B, H) or (H,) and the state to go on with."""
        stream = short_way(self, Recurrent)
        if stream is not None and (done := stream.run(self._parameters, self.backend, x, state)) is not None:
            return done
        checks.causal("step", self.bidirectional, "a stream has no future to read backwards: give whole sequences")
        checks.features("input of one step", x, self.input_size, self.weight_ih_l0, ["(B, I)", "(I,)"])
        time = 1 if self.batch_first and x.dim() == 2 else 0
        output, state = self(x.unsqueeze(time), state)
        return output.squeeze(time), state

    def _initial_state(self, x: Tensor, state: LayerState | None, layout: Layout) -> tuple[Tensor, ...]:
        names = self.cell_type.state_names
        rows = len(self._directions) * sum(max(delays) for delays in self.delays)
        if state is None:
            return tuple(x.new_zeros(rows, x.size(1), self.hidden_size) for _ in names)
        parts = state if isinstance(state, tuple | list) else (state,)
        if len(parts) != len(names):
            raise ValueError(f"state must be {_named(names)}, got {len(parts)} tensors; pass what the layer returned")
        shape = layout.state_shape(rows, x.size(1), self.hidden_size)
        checked = [checks.state(p, f"{n}_0", shape, self.weight_ih_l0) for p, n in zip(parts, names, strict=True)]
        return tuple(map(layout.read_state, checked))

    def engines(self) -> list[tuple[str, str]]:
        """Return, for each layer, the name of the engine that runs it and the reason."""
        return [engine_name(self.cell(layer), self.backend) for layer in range(self.num_layers)]

    def flatten_parameters(self) -> None:
        """Do nothing: there is no packed copy of the weights. Kept so that torch.nn code runs unchanged."""

    def extra_repr(self) -> str:
        delays = self.delays[0] if len(set(self.delays)) == 1 else self.delays
        shown: dict[str, object] = {"num_layers": self.num_layers, "bias": self.bias, "batch_first": self.batch_first}
        shown |= {"dropout": self.dropout, "bidirectional": self.bidirectional}
        shown |= {"delays": delays, "combine": self.combine, "residual": self.residual}
        return ", ".join([f"{self.input_size}, {self.hidden_size}", *(f"{k}={v!r}" for k, v in shown.items())])


def _named(names: tuple[str, ...]) -> str:
    return " and ".join(f"{name}_0" for name in names)

"""The stack that all layers share: what it may be asked for, and how it runs, with skips through time and depth."""

import warnings
from collections.abc import Sequence

import torch
from torch import Tensor

from seqskip import checks
from seqskip.delays import Delays, InputDelays, per_layer, taps_per_layer
from seqskip.depth import Wiring
from seqskip.engines import BACKENDS, engine_name
from seqskip.history import State
from seqskip.interface import LayerInput, LayerState
from seqskip.options import SkipOptions, StackOptions
from seqskip.retimed import Retimed
from seqskip.segments import run_segments
from seqskip.stack import Block, split_state


class Recurrent(Retimed):
    """A stack of recurrent layers with the inputs and outputs of torch.nn's.

    Inputs: `input` x of shape (T, B, I), (B, T, I) with batch_first, (T, I) unbatched, or a PackedSequence; `hx`, the
    state as returned, or None for zeros, or for what else the cell starts from; `lengths`, one integer in 0 to T per
    sample, where a batch is padded. Outputs: the last layer's output, (T, B, H) or laid out as x, and the state;
    (T, B, 2H) if bidirectional.

    The state holds the whole delay line: each part has shape (Σ_l D_l, B, H), D_l = max(delays of layer l), rounded up,
    layer after layer and oldest first; if bidirectional, each layer's forward line and then its reverse line. With
    delays=1 that is torch's h_n, or (h_n, c_n). With input_delays the last part is x, the inputs that are still to be
    read. Where layers differ in size, H is the largest, and zeros stand beside the smaller ones. Whole sequence, chunks
    and single steps give the same outputs.

    A sample with a length gives what it gives alone, cut to its length: its state is that after its last step, its
    output beyond is 0, and its padding may hold anything. The reverse direction reads each sample from its own last
    step to its first, so its delays reach forward, h_{t+d} → h_t, and its state is that after the first step.

    Args:
        input_size: features I of the input.
        hidden_size: units H of each layer, or one number per layer.
        num_layers: layers L of the stack.
        batch_first: input and output are (B, T, ·) instead of (T, B, ·); the state is not affected.
        dropout: probability with which an output of a layer, but the last, is dropped in training.
        bidirectional: give each layer a second recurrence that reads backwards; outputs are side by side.
        delays: the time steps d ≥ 1 of the edges h_{t-d} → h_t: a number, one tuple for all layers, or one per layer.
            Between whole steps states are interpolated, (1-φ) h_{t-⌊d⌋} + φ h_{t-⌈d⌉}, φ = d - ⌊d⌋.
        input_delays: the time steps d ≥ 0 of what each layer reads of its input, x_{t-d}, in the same forms: the
            tapped delay line of Lang & Hinton (1988, CMU-CS-88-152).
        residual: "add" gives each layer a shortcut, z = f(x; W) + x; "highway" a gated one, z = t f(x; W) + (1-t) x;
            "dense" z = [x, f(x; W)], so that the output has Σ_l H_l + I features; None none. See `seqskip.depth.joins`.
        projection: what a shortcut does where sizes differ: "linear" learns V x, "zeros" puts zeros beside x, None
            refuses.
        norm: "layer", "rms" or "batch" normalises what each layer answers, over its features (over steps and samples
            for "batch"); None does not.
        norm_first: normalise what each layer but the first reads in the place of what it answers.
        residual_scale: α of z = x + α f(x; W), one learned number per layer that starts here, 0 for ReZero; None for
            α = 1.
        stochastic_depth: probability with which the top layer's f is dropped for a whole sample in training, that of
            layer l being l/L of it (Huang et al. 2016, arXiv 1603.09382, eq. 4).
        variational_dropout: probability with which an output of a layer, but the last, is dropped in training at all
            steps of a call or at none (Gal & Ghahramani 2016, arXiv 1512.05287, Section 4.2).
        learn_initial_state: learn the state before the first step, the whole delay line, where none is given: weights
            `h_0_l0` and so on, (D, H), which start at zero. A cell that has no such states is without.
        backend: "auto" for the fastest engine that can run, or one to force (see `seqskip.engines`): "reference",
            "fold", "torch" or "native".
        checkpoint_segments: cut a sequence in so many segments along time and hold, between forward and backward,
            one state for each instead of every activation. Gradients stay exact, as long as no weight changes
            before the backward pass. It costs one more forward pass; the backward pass holds the activations of
            one segment. 1 holds all. Not with bidirectional or norm="batch", nor under torch.func.grad, which knows no
            checkpoints.

    Raises:
        ValueError: an argument, an input or a state breaks a rule; the message names the rule and the repair. Where
            torch.nn raises TypeError or RuntimeError, that is what it is too (see `seqskip.errors`).
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        delays: Delays = 1,
        input_delays: InputDelays = 0,
        residual: str | None = None,
        projection: str | None = "linear",
        norm: str | None = None,
        norm_first: bool = False,
        residual_scale: float | None = None,
        stochastic_depth: float = 0.0,
        variational_dropout: float = 0.0,
        learn_initial_state: bool = False,
        backend: str = "auto",
        checkpoint_segments: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        super().__init__()
        self.input_size = checks.integer("input_size", input_size, 1)
        self.num_layers = checks.integer("num_layers", num_layers, 1)
        self.hidden_sizes = checks.integer_per_layer("hidden_size", hidden_size, self.num_layers, 1)
        self.batch_first = checks.boolean("batch_first", batch_first)
        self.dropout = checks.fraction("dropout", dropout)
        self.bidirectional = checks.boolean("bidirectional", bidirectional)
        self._delays = per_layer(delays, num_layers)
        self._input_delays = taps_per_layer(input_delays, num_layers)
        self.wiring = Wiring(residual, projection, norm, norm_first, residual_scale, stochastic_depth)
        self.variational_dropout = checks.fraction("variational_dropout", variational_dropout)
        self._warn_of_idle_dropout()
        self.learn_initial_state = checks.boolean("learn_initial_state", learn_initial_state)
        self.backend = checks.choice("backend", backend, BACKENDS)
        self.checkpoint_segments = checks.integer("checkpoint_segments", checkpoint_segments, 1)
        if self.checkpoint_segments > 1:
            checks.causal("checkpoint_segments > 1", bidirectional, "use checkpoint_segments=1, which holds all")
            self.wiring.demand_steps_alone("checkpoint_segments > 1", "use checkpoint_segments=1, which holds all")
        self._allocate({"device": device, "dtype": checks.floating("dtype", dtype)})
        self.reset_parameters()

    def _warn_of_idle_dropout(self) -> None:
        dropped = {"dropout": self.dropout, "variational_dropout": self.variational_dropout}
        idle = [f"{name}={p}" for name, p in dropped.items() if p and self.num_layers == 1]
        if idle:
            warnings.warn(
                f"{' and '.join(idle)} must stand between layers to drop anything, got num_layers=1; use more layers, "
                "or 0",
                stacklevel=4,  # where an LSTM or a GRU is made
            )

    @property
    def hidden_size(self) -> int:
        """The units H of the last layer."""
        return self.hidden_sizes[-1]

    @property
    def residual(self) -> str | None:
        """The kind of shortcut round each layer."""
        return self.wiring.residual

    @property
    def draws(self) -> bool:
        """Whether a call in training draws random numbers."""
        return bool(self.dropout or self.variational_dropout or self.wiring.stochastic_depth)

    def run(self, z: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Run the stack once layouts are read: z (T, B, I) and a state of whole delay lines give z and a state."""
        return self.run_blocks(self.drawn_blocks(z.size(1)), z, initial, lengths)

    def run_blocks(
        self, blocks: list[Block], z: Tensor, initial: State, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """Run blocks, in segments if so asked for."""
        return run_segments(self.checkpoint_segments, blocks, z, initial, lengths)

    def drawn_blocks(self, batch: int) -> list[Block]:
        """Return the layers for one call on B samples: in training with what is drawn once for each sample."""
        return [block.drawn(batch) for block in self.blocks()] if self.training else self.blocks()

    def all_states(
        self, x: LayerInput, state: LayerState | None = None, *, lengths: Sequence[int] | Tensor | None = None
    ) -> list[tuple[LayerInput, ...]]:
        """Return the state of every layer at every step: of each layer all parts, (h, c) of an LSTM.

        Takes what a call takes. Each part is laid out as the output is, (T, B, width), both directions side by side.
        What `output` tells is the last layer's h alone, before a shortcut and a norm. It runs on the reference loop.

        >>> from seqskip import LSTM
        >>> layer = LSTM(3, 8, num_layers=2)
        >>> [[tuple(part.shape) for part in layer] for layer in layer.all_states(torch.zeros(10, 5, 3))]
        [[(10, 5, 8), (10, 5, 8)], [(10, 5, 8), (10, 5, 8)]]
        """
        layout, found = self._layout(x, lengths), []
        z = layout.read()
        blocks = self.drawn_blocks(z.size(1))
        for block, line in zip(blocks, split_state(blocks, self._initial_state(z, state, layout)), strict=True):
            z, parts = block.states(z, line, layout.lengths)
            found.append(tuple(map(layout.write, parts)))
        return found

    def extra_loss(self) -> Tensor | None:
        """Return what the last call adds to the loss of a training, beside what the task asks; None for nothing."""
        return None

    def reported(self) -> dict[str, Tensor]:
        """Return what a training reports of the last call, by name."""
        return {}

    def engines(self) -> list[tuple[str, str]]:
        """Return, for each layer, the name of the engine that runs it and the reason."""
        return [engine_name(self.cell(layer), self.backend) for layer in range(self.num_layers)]

    def extra_repr(self) -> str:
        same = len(set(self.hidden_sizes)) == 1
        sizes = [str(self.input_size), str(self.hidden_size if same else self.hidden_sizes)]
        return ", ".join([*sizes, *(f"{name}={value!r}" for name, value in self.shown().items())])

    def shown(self) -> dict[str, object]:
        """Return what `repr` shows besides the sizes: what every layer has, and what was asked for beyond it."""
        delays = self.delays[0] if len(set(self.delays)) == 1 else self.delays
        found: dict[str, object] = {"num_layers": self.num_layers, "batch_first": self.batch_first}
        found |= {"dropout": self.dropout, "bidirectional": self.bidirectional, "delays": delays}
        if self.holds_inputs:
            found |= {"input_delays": self.input_delays}
        found |= {"residual": self.residual} | self.wiring.shown()
        asked = {"variational_dropout": self.variational_dropout, "learn_initial_state": self.learn_initial_state}
        return found | {name: value for name, value in asked.items() if value}


# Where the help of the command line looks for what they mean.
SkipOptions.__doc__ = StackOptions.__doc__ = Recurrent.__doc__

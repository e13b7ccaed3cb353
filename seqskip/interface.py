"""What a caller of recurrent layers hands in and gets back: sequences, lengths, states, single steps."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqskip import checks
from seqskip.history import State
from seqskip.layouts import BatchMajor, Layout, Packed, TimeMajor, Unbatched

LayerInput = Tensor | PackedSequence
LayerState = Tensor | tuple[Tensor, ...]  # torch's: h_n, or (h_n, c_n) for an LSTM
Run = Callable[[Tensor, State, Tensor | None], tuple[Tensor, State]]  # as `Interface.run`


class Interface(nn.Module, ABC):
    """Recurrent layers as torch.nn's are called; what they do with a sequence, `run` says."""

    input_size: int
    batch_first: bool
    bidirectional: bool
    backend: str

    @abstractmethod
    def run(self, z: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        """Run the stack once layouts are read: z (T, B, I) and a state of whole delay lines give z and a state."""

    @property
    @abstractmethod
    def state_names(self) -> tuple[str, ...]:
        """The names of the parts of the state."""

    @abstractmethod
    def state_shapes(self) -> list[tuple[int, int]]:
        """Return the rows and the columns of each part of the state."""

    @abstractmethod
    def initial_state(self, x: Tensor) -> State:
        """Return the state before the first step of x (T, B, I), where the caller gives none."""

    def initial(self, batch_size: int | None = None) -> LayerState:
        """Return the state, parts (D, B, H), from which B samples start where none is given; (D, H) for None.

        Raises:
            ValueError: batch_size is no integer >= 1.
        """
        batch = 1 if batch_size is None else checks.integer("batch_size", batch_size, 1)
        parts = self.initial_state(self.like.new_zeros(1, batch, self.input_size))
        if batch_size is None:
            parts = tuple(part.squeeze(1) for part in parts)
        return parts if len(parts) > 1 else parts[0]

    @property
    @abstractmethod
    def like(self) -> Tensor:
        """One of the weights: it tells their device and dtype."""

    def check_input(self, x: object) -> None:
        """Raise InputError if `x` is no sequence that this layer can read."""
        layout = "(B, T, I)" if self.batch_first else "(T, B, I)"
        checks.sequence(x, self.input_size, self.like, [layout, "(T, I)"])

    def forward(
        self, input: LayerInput, hx: LayerState | None = None, *, lengths: Sequence[int] | Tensor | None = None
    ) -> tuple[LayerInput, LayerState]:
        """Run the stack over a sequence from a state, both under torch.nn's names; shapes as in the class docstring."""
        return self._through(self.run, self._layout(input, lengths), hx)

    def _through(self, run: Run, layout: Layout, state: LayerState | None) -> tuple[LayerInput, LayerState]:
        """Hand a sequence and a state to what runs them, and lay out what comes back as the caller has it."""
        z = layout.read()
        output, line = run(z, self._initial_state(z, state, layout), layout.lengths)
        final = tuple(map(layout.write_state, line))
        return layout.write(output), (final if len(final) > 1 else final[0])

    def step(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """Run one time step of a stream: x (B, I) or (I,) gives (B, H) or (H,) and the state to go on with."""
        checks.causal("step", self.bidirectional, "a stream has no future to read backwards: give whole sequences")
        checks.features("input of one step", x, self.input_size, self.like, ["(B, I)", "(I,)"])
        time = 1 if self.batch_first and x.dim() == 2 else 0
        output, state = self(x.unsqueeze(time), state)
        return output.squeeze(time), state

    def flatten_parameters(self) -> None:
        """Do nothing: there is no packed copy of the weights. Kept so that torch.nn code runs unchanged."""

    def _layout(self, x: LayerInput, lengths: Sequence[int] | Tensor | None) -> Layout:
        if isinstance(x, PackedSequence):
            return Packed(checks.packed(x, self.input_size, self.like, lengths))
        self.check_input(x)
        if x.dim() == 2:
            checks.no_lengths(lengths, "an unbatched input (T, I)", "cut it to its length, x[:length]")
            return Unbatched(x)
        batch, steps = x.shape[:2] if self.batch_first else (x.size(1), x.size(0))
        ends = None if lengths is None else checks.lengths(lengths, batch, steps, x.device)
        return BatchMajor(x, ends) if self.batch_first else TimeMajor(x, ends)

    def _initial_state(self, x: Tensor, state: LayerState | None, layout: Layout) -> State:
        if state is None:
            return self.initial_state(x)
        names, shapes = self.state_names, self.state_shapes()
        parts = state if isinstance(state, tuple | list) else (state,)
        if len(parts) != len(names):
            raise checks.InputError(
                f"state must be {_named(names)}, got {len(parts)} tensors; pass what the layer returned"
            )
        checked = []
        for part, name, (rows, width) in zip(parts, names, shapes, strict=True):
            shape = layout.state_shape(rows, x.size(1), width)
            checked.append(layout.read_state(checks.state(part, f"{name}_0", shape, self.like)))
        return tuple(checked)


def _named(names: tuple[str, ...]) -> str:
    *first, last = (f"{name}_0" for name in names)
    return f"{', '.join(first)} and {last}" if first else last

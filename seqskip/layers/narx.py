"""Layers of NARX, which run freely or forced by a teacher."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence
from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NARXCell
from seqskip.forcing import forced
from seqskip.history import State
from seqskip.interface import LayerInput, LayerState
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class NARX(Recurrent):
    """NARX layers of H hidden units and O outputs; the recurrence is that of `seqskip.cells.NARXCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, and `output_size`, the outputs O of each
    layer: y in the place of h, (T, B, O). The inputs u that it reads are those of `input_delays`, the outputs those of
    `delays`.

    `layer(u)` runs freely (the parallel mode): what it feeds back are its own outputs. `layer(u, targets=y)` runs
    forced (the series-parallel mode, or teacher forcing): what the last layer feeds back are the true outputs y, laid
    out as u. Nothing recurs there, all steps run at once, and no error of one step reaches the next. Both have the same
    weights and the same state; the one that the forced mode returns holds the last targets, to go on with in either.

    Raises:
        ValueError: targets are not laid out as the input is, or the layer's answer is not what it feeds back.

    >>> layer = NARX(1, 8, output_size=2, delays=(1, 2), input_delays=(0, 1))
    >>> u, y = torch.zeros(10, 5, 1), torch.zeros(10, 5, 2)
    >>> predictions, state = layer(u, targets=y)
    >>> layer(u, state)[0].shape
    torch.Size([10, 5, 2])
    """

    cell_type = NARXCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        output_size: int = 1,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, whose shapes follow from it.
        self.outputs = checks.integer("output_size", output_size, 1)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"output_size": self.outputs}

    def shown(self) -> dict[str, object]:
        return super().shown() | {"output_size": self.outputs}

    def forward(
        self,
        input: LayerInput,
        hx: LayerState | None = None,
        *,
        lengths: Sequence[int] | Tensor | None = None,
        targets: LayerInput | None = None,
    ) -> tuple[LayerInput, LayerState]:
        """Run freely, or forced by targets; shapes as in the class docstring."""
        if targets is None:
            return super().forward(input, hx, lengths=lengths)
        self._check_forcing()
        layout = self._layout(input, lengths)
        known = layout.beside(self._checked(targets, input)).read()
        return self._through(partial(self._run_forced, known), layout, hx)

    def _run_forced(self, targets: Tensor, z: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        return self.run_blocks(forced(self.drawn_blocks(z.size(1)), targets), z, initial, lengths)

    def _check_forcing(self) -> None:
        checks.causal("forcing by targets", self.bidirectional, "what comes before a step is not known backwards")
        plain = self.residual is None and (self.wiring.norm is None or self.wiring.norm_first)
        if not plain:
            raise ValueError(
                f"targets need a layer that answers what it feeds back, got residual={self.residual!r} and "
                f"norm={self.wiring.norm!r}; use residual=None, and norm=None or norm_first=True"
            )
        if self.checkpoint_segments > 1:
            raise ValueError(
                f"targets need checkpoint_segments=1, got {self.checkpoint_segments}; nothing recurs: call the layer "
                "on one chunk after the other, each with the state of the one before"
            )

    def _checked(self, targets: object, x: LayerInput) -> LayerInput:
        """Return the targets if they are laid out as the input is, O numbers at each step, else raise ValueError."""
        if isinstance(x, PackedSequence):
            if not isinstance(targets, PackedSequence) or not _packed_alike(targets, x):
                got = "another order or lengths" if isinstance(targets, PackedSequence) else type(targets).__name__
                raise ValueError(f"targets must be packed as the input is, got {got}; pack both with the same lengths")
            checks.features("targets.data", targets.data, self.outputs, self.like, ["(N, O)"])
            return targets
        wanted = (*x.shape[:-1], self.outputs)
        checked = checks.features("targets", targets, self.outputs, self.like, ["(T, B, O)", "(T, O)"])
        if tuple(checked.shape) != wanted:
            raise ValueError(
                f"targets must have shape {wanted}, the input's with output_size numbers at each step, got "
                f"{tuple(checked.shape)}; give one target for each step of the input"
            )
        return checked


def _packed_alike(one: PackedSequence, other: PackedSequence) -> bool:
    if not torch.equal(one.batch_sizes, other.batch_sizes):
        return False
    if one.sorted_indices is None or other.sorted_indices is None:
        return one.sorted_indices is other.sorted_indices
    return torch.equal(one.sorted_indices, other.sorted_indices)

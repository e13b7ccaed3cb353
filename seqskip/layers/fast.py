"""Layers of FastRNN and FastGRNN."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NONLINEARITIES, FastGRNNCell, FastRNNCell
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class _Fast(Recurrent):
    """The arguments that both have."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        nonlinearity: str = "tanh",
        rank_w: int | None = None,
        rank_u: int | None = None,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, whose shapes follow from these.
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        self.rank_w = None if rank_w is None else checks.integer("rank_w", rank_w, 1)
        self.rank_u = None if rank_u is None else checks.integer("rank_u", rank_u, 1)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"nonlinearity": self.nonlinearity, "rank_w": self.rank_w, "rank_u": self.rank_u}

    def shown(self) -> dict[str, object]:
        return super().shown() | {name: value for name, value in self.cell_options.items() if value is not None}


class FastRNN(_Fast):
    """FastRNN layers; the recurrence is that of `seqskip.cells.FastRNNCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, and `nonlinearity`, "tanh" or "relu";
    `rank_w` and `rank_u`: the rank of the input and of the recurrent matrix, None for whole ones.

    >>> layer = FastRNN(3, 8, delays=(1, 16))
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = FastRNNCell


class FastGRNN(_Fast):
    """FastGRNN layers; the recurrence is that of `seqskip.cells.FastGRNNCell`.

    Arguments, shapes and errors are those of `seqskip.layers.FastRNN`.

    >>> layer = FastGRNN(3, 8, num_layers=2, rank_u=2)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = FastGRNNCell

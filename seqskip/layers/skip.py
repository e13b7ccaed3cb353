"""Layers of the Skip RNN."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import Cell, SkipGRUCell, SkipLSTMCell
from seqskip.engines import Engine
from seqskip.history import State
from seqskip.layers.updates import Updates, Watched
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class _Skip(Recurrent):
    """The arguments and the account of updates that both have."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        levels: int = 1,
        cost_per_sample: float = 0.0,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, whose shapes follow from these.
        self.levels = checks.integer("levels", levels, 1)
        self.cost_per_sample = checks.not_negative("cost_per_sample", cost_per_sample)
        self._updates = Updates()
        options.setdefault("learn_initial_state", True)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"levels": self.levels, "learn_initial_state": self.learn_initial_state}

    def engine(self, cell: Cell) -> Engine:
        engine = super().engine(cell)
        return engine if torch.compiler.is_exporting() else Watched(engine, self._updates.take)

    def run(self, z: Tensor, initial: State, lengths: Tensor | None) -> tuple[Tensor, State]:
        if torch.compiler.is_exporting():  # no call: a graph gives its outputs alone
            return super().run(z, initial, lengths)
        steps = z.size(0) * z.size(1) if lengths is None else lengths.sum().clamp(min=1)
        # Another object: an engine of the call before, which its backward pass may run, goes on with the old one.
        self._updates = Updates()
        self._updates.begin(steps * self.num_layers * len(self._directions))
        done = super().run(z, initial, lengths)
        self._updates.end()
        return done

    def budget_loss(self, cost_per_sample: float | None = None) -> Tensor:
        """Return what the updates of the last call cost, mean_b Σ_t λ u_t, with its gradient.

        The sum runs over all layers and directions, the mean over the samples; padding costs nothing. Until the next
        call the layer holds the graph of the last one for it.

        Args:
            cost_per_sample: λ ≥ 0, the cost of one update of one sample; None for the layer's own.

        Raises:
            ValueError: there was no call, or the cost is none.

        Source: Campos et al. (2018, arXiv 1708.06834), eq. 7, and the authors' code.

        >>> layer = SkipGRU(3, 8)
        >>> output, state = layer(torch.zeros(1, 5, 3))  # the first step always updates
        >>> layer.budget_loss(0.5).item()
        0.5
        """
        given = self.cost_per_sample if cost_per_sample is None else cost_per_sample
        return checks.not_negative("cost_per_sample", given) * self._updates.number().mean()

    def share_of_updates(self) -> Tensor:
        """Return the share of steps in the last call that were updates, over all samples, layers and directions.

        Raises:
            ValueError: there was no call.
        """
        return self._updates.share()

    def extra_loss(self) -> Tensor | None:
        return self.budget_loss() if self.cost_per_sample else None

    def reported(self) -> dict[str, Tensor]:
        return {"share_of_updates": self.share_of_updates()}

    def shown(self) -> dict[str, object]:
        own: dict[str, object] = dict(self.cell_options) | {"cost_per_sample": self.cost_per_sample}
        usual = {"levels": 1, "learn_initial_state": True, "cost_per_sample": 0.0}
        return super().shown() | {name: value for name, value in own.items() if value != usual[name]}


class SkipLSTM(_Skip):
    """Skip LSTM layers, which learn at which steps to update; the recurrence is that of `seqskip.cells.SkipLSTMCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, and `levels`: how many LSTMs, one above the
    other, share the gate of each layer; `learn_initial_state`: whether h and c before the first step are learned, or
    zero; `cost_per_sample`: the cost λ ≥ 0 of an update, which training adds to the loss as `budget_loss`.

    Each of `num_layers` has a gate of its own; num_layers=1 with levels=L is the authors' multi-layer cell. Begin with
    state None, where the update is certain (Δu = 1): from a state of zeros a layer never updates.

    >>> layer = SkipLSTM(3, 8, cost_per_sample=1e-4)
    >>> output, state = layer(torch.zeros(10, 5, 3))
    >>> output.shape, [tuple(part.shape) for part in state]
    (torch.Size([10, 5, 8]), [(1, 5, 8), (1, 5, 8), (1, 5, 1), (1, 5, 1)])
    """

    cell_type = SkipLSTMCell


class SkipGRU(_Skip):
    """Skip GRU layers, which learn at which steps to update; the recurrence is that of `seqskip.cells.SkipGRUCell`.

    Arguments, shapes and errors are those of `seqskip.layers.SkipLSTM`.

    >>> layer = SkipGRU(3, 8, levels=2)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = SkipGRUCell

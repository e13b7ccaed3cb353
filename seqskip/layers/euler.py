"""Layers that are forward Euler steps in time."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NONLINEARITIES, EulerRNNCell
from seqskip.recurrent import Recurrent, StackOptions


class Euler(Recurrent):
    """What the layers share whose cell is a `seqskip.cells.EulerCell`: the size of its step."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        step_size: float,
        **options: Unpack[StackOptions],
    ):
        repair = "a step of 0 or less stands still or runs back in time: use a positive one, such as 0.1"
        self.step_size = checks.positive("step_size", step_size, repair)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"step_size": self.step_size}

    def shown(self) -> dict[str, object]:
        return {**super().shown(), **self.cell_options}


class EulerRNN(Euler):
    """Residual RNN layers, h_t = h_{t-d} + ε f(x_t, h_{t-d}); the recurrence is that of `seqskip.cells.EulerRNNCell`.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        step_size: ε > 0. It may be changed after training, as one changes that of a solver; whether steps of this
            size are stable, `seqskip.analysis.stability` measures.
        nonlinearity: φ, "tanh" or "relu".

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.

    >>> layer = EulerRNN(3, 8, step_size=0.1, delays=4)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = EulerRNNCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        step_size: float = 0.1,
        nonlinearity: str = "tanh",
        **options: Unpack[StackOptions],
    ):
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        super().__init__(input_size, hidden_size, num_layers, step_size=step_size, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {**super().cell_options, "nonlinearity": self.nonlinearity}

"""Layers of leaky units."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NONLINEARITIES, LeakyCell
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class Leaky(Recurrent):
    """Layers of leaky units; the recurrence is that of `seqskip.cells.LeakyCell`.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        time_constant: τ ≥ 1 in steps: one number for all units, or a pair, that of the first and of the last unit,
            between which those of the others are spaced evenly in their logarithm.
        learn_time_constants: learn each unit's τ = 1 + exp(ρ); `time_constant` is where it starts, above 1.
            `layer.cell(0).time_constants` tells those of the first layer.
        nonlinearity: φ, "tanh" or "relu".

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.

    >>> layer = Leaky(3, 4, time_constant=(1, 1000))
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 4])
    >>> [round(tau) for tau in layer.cell(0).time_constants.tolist()]
    [1, 10, 100, 1000]
    """

    cell_type = LeakyCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        time_constant: float | Sequence[float] = (2.0, 100.0),
        learn_time_constants: bool = False,
        nonlinearity: str = "tanh",
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, which are made and drawn as these say.
        self.learn_time_constants = checks.boolean("learn_time_constants", learn_time_constants)
        self.time_constant = _first_and_last(time_constant)
        if learn_time_constants and min(self.time_constant) == 1:
            raise ValueError(
                f"time_constant must be above 1 to be learned, got {time_constant!r}: no ρ makes 1 + exp(ρ) one; "
                "start a little above, such as 1.1"
            )
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        own = {"time_constant": self.time_constant, "learn_time_constants": self.learn_time_constants}
        return {**own, "nonlinearity": self.nonlinearity}

    def shown(self) -> dict[str, object]:
        return {**super().shown(), **self.cell_options}


def _first_and_last(value: object) -> tuple[float, float]:
    """Return the time constants of the first and of the last unit, checked."""
    pair = tuple(value) if isinstance(value, list | tuple) else (value, value)
    if len(pair) != 2:
        raise ValueError(
            f"time_constant must be a number, or a pair for the first and the last unit, got {value!r}; write it as "
            "(1, 100)"
        )
    repair = "τ counts time steps, and 1 is a unit that forgets at once: use 1, or more"
    first, last = (checks.at_least("time_constant", one, 1, repair) for one in pair)
    return first, last

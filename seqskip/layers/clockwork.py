"""Layers of the Clockwork RNN."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import ClockworkCell
from seqskip.cells.clockwork import PERIODS
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class Clockwork(Recurrent):
    """Clockwork RNN layers; the recurrence is that of `seqskip.cells.ClockworkCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, and `periods`: the time steps T ≥ 1 from
    one update of a module to its next, one for each module of H/g units. hidden_size must be a multiple of their
    number, and each layer has one whole delay. The clock of the reverse direction starts at the step it reads first.

    >>> layer = Clockwork(3, 8, periods=(1, 3, 9, 27))
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = ClockworkCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        periods: Sequence[int] = PERIODS,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, whose shapes follow from these.
        self.periods = _ascending(periods)
        super().__init__(input_size, hidden_size, num_layers, **options)

    def resample(self, ratio: float) -> None:
        if checks.positive("ratio", ratio) != int(ratio):
            raise ValueError(f"ratio must be whole for Clockwork, whose delays are, got {ratio!r}; use a whole one")
        super().resample(ratio)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"periods": self.periods}

    def shown(self) -> dict[str, object]:
        return super().shown() | {"periods": self.periods}


def _ascending(periods: object) -> tuple[int, ...]:
    if not isinstance(periods, Sequence) or isinstance(periods, str | bytes) or not periods:
        raise ValueError(f"periods must be a list of integers >= 1, got {periods!r}; give one for each module")
    found = tuple(sorted(checks.integer("each of periods", one, 1) for one in periods))
    if len(set(found)) < len(found):
        raise ValueError(f"periods must differ, got {periods!r}; write each period once")
    return found

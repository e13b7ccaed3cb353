"""Starts of the gate by which a state is kept: f of an LSTM, z of a GRU."""

from dataclasses import dataclass
from typing import ClassVar

from seqskip import checks
from seqskip.cells import GRUCell, LSTMCell, TorchCell
from seqskip.init.base import Initialiser, empty_like, set_bias
from seqskip.init.matrices import INITIALISERS

INPUT, KEEPING = 0, 1  # the places of i among i, f, g, o, and of f there and z among r, z, n


class _GateBias(Initialiser):
    """The bias of a gate; all else starts as `weights` says, a name that `init` knows."""

    weights: str
    needs_bias: ClassVar[bool] = True

    def __post_init__(self) -> None:
        checks.choice("weights", self.weights, INITIALISERS)

    def demand_fitting(self, cell_type: type[TorchCell], bias: bool) -> None:
        super().demand_fitting(cell_type, bias)
        INITIALISERS[self.weights].demand_fitting(cell_type, bias)


@dataclass(frozen=True)
class Chrono(_GateBias):
    """Start the gate that keeps so that units forget over times from short ones to `longest`.

        b_f = log u,  b_i = -b_f   (LSTM),      b_z = log u   (GRU),      u ~ U(1, longest / d̄ - 1)  for each unit

    d̄ is the mean of the layer's delays. A gate σ(b) = u / (1 + u) keeps a state for 1 / (1 - σ(b)) = 1 + u updates, and
    an update reaches d̄ steps back on average: units forget over (1 + u) d̄ steps, uniform from 2 d̄ to `longest`. Where
    d̄ is longest / 2 or more every gate starts at 1/2, the shortest there is. These are the biases in all, b_ih + b_hh.

    Args:
        longest: the longest dependency T_max to be learned, in time steps, at least 2.
        weights: how the other biases and the matrices start: "torch", "orthogonal" or "tf1".

    Reference: Tallec & Ollivier (2018, arXiv 1804.11188), the chrono initialisation of an LSTM, with d̄ = 1. z of a GRU
    is 1 - g of the leaky gated unit that they begin with, for torch's z keeps the old state. Delays are not in the
    paper.

    Raises ValueError for a number or a name that is none of these, for RNN, and for bias=False.
    """

    longest: float
    weights: str = "torch"

    cells: ClassVar[tuple[type[TorchCell], ...]] = (LSTMCell, GRUCell)
    repair: ClassVar[str] = "an RNN has no gate that keeps a state: use init='identity'"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.at_least("longest", self.longest, 2, "give the longest dependency, in time steps")

    def draw(self, cell: TorchCell) -> None:
        INITIALISERS[self.weights].draw(cell)
        updates = self.longest * len(cell.delays) / sum(cell.delays)
        keeping = empty_like(cell.weight_hh[: cell.hidden_size, 0]).uniform_(1, max(1.0, updates - 1)).log_()
        set_bias(cell, KEEPING, keeping)
        if isinstance(cell, LSTMCell):
            set_bias(cell, INPUT, -keeping)


@dataclass(frozen=True)
class ForgetBias(_GateBias):
    """Start the forget gate of an LSTM with one bias in all, b_ih + b_hh = `value`.

    Args:
        value: the bias; with 1 the gate starts at about 0.73, with torch's start at about a half.
        weights: how the other biases and the matrices start: "torch", "orthogonal" or "tf1".

    Reference: Gers, Schmidhuber & Cummins (2000); Jozefowicz, Zaremba & Sutskever (2015), who recommend 1.

    Raises ValueError for a number or a name that is none of these, for another layer than LSTM, and for bias=False.
    """

    value: float = 1.0
    weights: str = "torch"

    cells: ClassVar[tuple[type[TorchCell], ...]] = (LSTMCell,)
    repair: ClassVar[str] = "only an LSTM has a forget gate: use Chrono(longest) for a GRU, init='identity' for an RNN"

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.finite("value", self.value)

    def draw(self, cell: TorchCell) -> None:
        INITIALISERS[self.weights].draw(cell)
        set_bias(cell, KEEPING, self.value)

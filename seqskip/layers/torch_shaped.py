"""What the layers RNN, LSTM and GRU share: torch.nn's constructor and weights."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor
from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import COMBINE, Cell, Sizes, TorchCell
from seqskip.init import INITIALISERS
from seqskip.interface import LayerState
from seqskip.layers.learned import LearnedDelays
from seqskip.options import SkipOptions
from seqskip.recurrent import Recurrent
from seqskip.streaming import short_way

_BIASES = ("bias_ih", "bias_hh")


class TorchLayer(Recurrent):
    """Layers with torch.nn's constructor and weights; with delays=1 and no other skip they are torch.nn's.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        bias: give the cells bias_ih and bias_hh.
        combine: how several delays become one input: "sum" (a matrix per delay), "mean" (one matrix), "gate" (one
            softmax weight per delay, sample and step) or "learned" (one softmax weight per delay and unit): see
            `seqskip.cells.TorchCell`.
        init: "torch", "orthogonal" or "tf1" (see `seqskip.init`).

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.
    """

    cell_type: ClassVar[type[TorchCell]]
    weight_ih_l0: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        combine: str = "sum",
        init: str = "torch",
        **options: Unpack[SkipOptions],
    ):
        # Before the weights are made, which are made and drawn as these say.
        self.bias = checks.boolean("bias", bias)
        self.combine = checks.choice("combine", combine, COMBINE)
        self.init = checks.choice("init", init, INITIALISERS)
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            batch_first=batch_first,
            dropout=dropout,
            bidirectional=bidirectional,
            **options,
        )

    @property
    def cell_options(self) -> Mapping[str, Any]:
        return {"combine": self.combine}

    def weight_shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...] | None]:
        found = super().weight_shapes(sizes)
        return found if self.bias else found | dict.fromkeys(_BIASES)

    def reset_cell(self, cell: Cell) -> None:
        assert isinstance(cell, TorchCell)
        INITIALISERS[self.init](cell)

    def step(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """Run one time step of a stream: x (B, I) or (I,) gives (B, H) or (H,) and the state to go on with."""
        stream = short_way(self, TorchLayer)
        if stream is not None and (done := stream.run(self._parameters, self.backend, x, state)) is not None:
            return done
        return super().step(x, state)

    def learned_delays(self) -> list[LearnedDelays]:
        """Return what combine="learned" has learned: for each layer, and direction, the share of each delay.

        >>> from seqskip import RNN
        >>> print(*RNN(2, 4, delays=(1, 8), combine="learned").learned_delays())  # doctest: +ELLIPSIS
        layer 0: mean delay ... steps over 4 units
        ...

        Raises:
            ValueError: the layer combines its delays in another way.
        """
        if self.combine != "learned":
            raise ValueError(
                f"learned_delays needs combine='learned', got combine={self.combine!r}; nothing is learned"
            )
        places = [(layer, one.suffix) for layer in range(self.num_layers) for one in self._directions]
        weights = [self.get_parameter(f"weight_delays_l{layer}{suffix}") for layer, suffix in places]
        return [
            LearnedDelays(layer, bool(suffix), self.delays[layer], weight.detach().softmax(0))
            for (layer, suffix), weight in zip(places, weights, strict=True)
        ]

    def shown(self) -> dict[str, object]:
        own = {"bias": self.bias, "combine": self.combine}
        return super().shown() | own

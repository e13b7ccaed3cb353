"""What the layers RNN, LSTM and GRU share: torch.nn's constructor and weights."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from torch import Tensor, nn
from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import COMBINE, Cell, Sizes, TorchCell
from seqskip.errors import torch_words
from seqskip.init import Initialiser, initialiser
from seqskip.interface import LayerState
from seqskip.layers.extras import Extras
from seqskip.layers.learned import LearnedDelays
from seqskip.options import SkipOptions, TorchOptions
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
        init: how weights start: "torch", "orthogonal", "identity", "tf1", or an object of `seqskip.init`, such as
            Chrono(longest=1000), ForgetBias(1.0) or an `Initialiser` of one's own.
        proj_size: project h of an LSTM to so many numbers, as torch.nn.LSTM does; 0 for none.
        layer_norm: normalise the products of each gate with input and state, and c of an LSTM.
        recurrent_dropout: probability with which a unit of the state that the gates read is dropped in training, at all
            steps of a call or at none.
        weight_dropout: probability with which a number of the recurrent matrices is dropped in training, for a call.
        zoneout: probability with which a unit keeps its state at a step: one for h and c, or a pair. For what these
            four compute, see `seqskip.cells.ExtendedCell` and `seqskip.cells.TorchCell`.

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.
    """

    cell_type: ClassVar[type[TorchCell]]
    cell_takes: ClassVar[tuple[str, ...]] = ("combine",)  # of the layer's own
    mode: str  # "LSTM", "GRU", "RNN_TANH" or "RNN_RELU", as torch.nn has it
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
        proj_size: int = 0,
        *,
        combine: str = "sum",
        init: Initialiser | str = "torch",
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        zoneout: float | Sequence[float] = 0.0,
        **options: Unpack[SkipOptions],
    ):
        given = (input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, proj_size, "meta")
        with torch_words(lambda: nn.RNNBase(self.mode, *given)):  # type: ignore[arg-type]  # sizes of each layer too
            # Before the weights are made, which are made and drawn as these say.
            self.bias = checks.boolean("bias", bias)
            self.combine = checks.choice("combine", combine, COMBINE)
            initialiser(init).demand_fitting(self.cell_type, self.bias)
            self.init = init
            self.extras = Extras.of(self.cell_type, proj_size, layer_norm, recurrent_dropout, zoneout)
            self.weight_dropout = checks.fraction("weight_dropout", weight_dropout)
            self._drops_weights = self.weight_dropout > 0  # torch.compile takes the number for one that may change
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
    def recurrence(self) -> type[TorchCell]:
        return self.cell_type if self.extras.none else self.extras.cell(self.cell_type, self.training)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        found = {name: getattr(self, name) for name in self.cell_takes}
        if self._drops_weights:
            found["weight_dropout"] = self.weight_dropout
        return found if self.extras.none else found | self.extras.options(self.recurrence)

    @property
    def proj_size(self) -> int:
        """The numbers P of an LSTM's projected state, 0 without projection."""
        return self.extras.proj_size

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each layer, and direction: W, U, their biases if there are any, and what else it has."""
        return [list(self.cell(*place).weights.values()) for place in self._places]

    @property
    def _places(self) -> list[tuple[int, str]]:
        """Of each recurrence, its layer and the suffix of its direction."""
        return [(layer, one.suffix) for layer in range(self.num_layers) for one in self._directions]

    @property
    def draws(self) -> bool:
        return super().draws or bool(self.weight_dropout or self.extras.recurrent_dropout or self.extras.zoneout)

    def weight_shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...] | None]:
        self.extras.demand_size(sizes.hidden, self.combine)
        found = super().weight_shapes(sizes)
        return found if self.bias else found | dict.fromkeys(_BIASES)

    def reset_cell(self, cell: Cell, layer: int) -> None:
        assert isinstance(cell, TorchCell)
        initialiser(self.init)(cell)

    def step(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """Run one time step of a stream: x (B, I) or (I,) gives (B, H) or (H,) and the state to go on with."""
        # A state that is learned is put together by the long way.
        stream = None if state is None and self.learn_initial_state else short_way(self, TorchLayer)
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
        return [
            LearnedDelays(layer, bool(suffix), self.delays[layer], self._shares(layer, suffix))
            for layer, suffix in self._places
        ]

    def _shares(self, layer: int, suffix: str) -> Tensor:
        """Return what combine="learned" has learned, (K, H); the share of one delay alone is 1."""
        weight: Tensor | None = getattr(self, f"weight_delays_l{layer}{suffix}", None)
        if weight is None:
            return self.weight_ih_l0.new_ones(1, self.hidden_sizes[layer])
        return weight.detach().softmax(0)

    def shown(self) -> dict[str, object]:
        own = {"bias": self.bias, "combine": self.combine} | self.extras.shown()
        beyond = {"weight_dropout": self.weight_dropout, "init": self.init}
        usual = {"weight_dropout": 0.0, "init": "torch"}
        return super().shown() | own | {name: value for name, value in beyond.items() if value != usual[name]}


def _arguments(kind: type) -> str:
    """Return what a class says of the arguments of its constructor."""
    return (kind.__doc__ or "").partition("Args:\n")[2].partition("\n\n")[0]


# Where the help of the command line looks for what they mean.
TorchOptions.__doc__ = (
    f"Options of RNN, LSTM and GRU.\n\n    Args:\n{_arguments(Recurrent)}\n{_arguments(TorchLayer)}\n"
)

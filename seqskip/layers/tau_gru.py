"""Layers of the τ-GRU."""

from collections.abc import Sequence

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import TauGRUCell
from seqskip.delays import Delays, LayerDelays
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent

_OWN = "delays must be left to TauGRU, which reads lags 1 and tau + 1, got {!r}; {}"


class TauGRU(Recurrent):
    """τ-GRU layers; the recurrence is that of `seqskip.cells.TauGRUCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, but that `tau` stands in the place of
    `delays`: the paper's τ ≥ 0 in time steps, one for all layers or one per layer. Measured from the new state, as
    delays are here, it reads lags 1 and τ + 1, and `layer.delays` says so.

    Raises:
        ValueError: besides, `delays` are given or set, or the layer is resampled.

    >>> layer = TauGRU(3, 8, num_layers=2, tau=[4, 16])
    >>> layer.delays
    ((1, 5), (1, 17))
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = TauGRUCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        tau: int | Sequence[int] = 1,
        **options: Unpack[StackOptions],
    ):
        if "delays" in options:
            raise ValueError(_OWN.format(options["delays"], "give tau instead, such as tau=4 for lags 1 and 5"))
        checks.integer("num_layers", num_layers, 1)
        each = checks.integer_per_layer("tau", tau, num_layers, 0)
        options["delays"] = [tuple(sorted({1, one + 1})) for one in each]
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def delays(self) -> tuple[LayerDelays, ...]:
        """The lags of each layer, 1 and τ + 1."""
        return self._delays

    @delays.setter
    def delays(self, delays: Delays) -> None:
        raise ValueError(_OWN.format(delays, "make a new layer with another tau, and load this one's state_dict"))

    def resample(self, ratio: float) -> None:
        raise ValueError(
            f"resample needs a layer that reads its states at its delays alone, got ratio={ratio!r} for a TauGRU, "
            "whose gates read the state one step ago at any sample rate; make a new layer with another tau, and load "
            "this one's state_dict"
        )

    @property
    def tau(self) -> tuple[int, ...]:
        """τ of each layer, to which its weights are bound as its delays are."""
        return tuple(int(own[-1]) - 1 for own in self._delays)

    def shown(self) -> dict[str, object]:
        return super().shown() | {"tau": self.tau[0] if len(set(self.tau)) == 1 else self.tau}

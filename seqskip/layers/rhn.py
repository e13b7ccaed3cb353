"""Layers of the Recurrent Highway Network."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import RHNCell
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class RHN(Recurrent):
    """Recurrent Highway Network layers; the recurrence is that of `seqskip.cells.RHNCell`.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        depth: L, highway layers within one time step; 10 in the paper's net for Penn Treebank.
        input_dropout: probability with which a feature of a sample's input is dropped in training, at all steps of a
            call or at none (the authors' drop_i).
        recurrent_dropout: the same of what the highway layers read of the state (drop_h).
        transform_bias: start of the biases of g; the lower, the more of the state a layer carries on.

    Masks are drawn once for each call: in training, a sequence in chunks or steps has others in each of them.

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.

    >>> layer = RHN(3, 8, depth=4, recurrent_dropout=0.25)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = RHNCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        depth: int = 10,
        input_dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        transform_bias: float = -2.0,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, whose number follows from the depth.
        self.depth = checks.integer("depth", depth, 1)
        self.input_dropout = checks.fraction("input_dropout", input_dropout)
        self.recurrent_dropout = checks.fraction("recurrent_dropout", recurrent_dropout)
        self.transform_bias = checks.finite("transform_bias", transform_bias)
        super().__init__(input_size, hidden_size, num_layers, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        masks = {"input_dropout": self.input_dropout, "recurrent_dropout": self.recurrent_dropout}
        return {"depth": self.depth, **masks, "transform_bias": self.transform_bias}

    def shown(self) -> dict[str, object]:
        return {**super().shown(), **self.cell_options}

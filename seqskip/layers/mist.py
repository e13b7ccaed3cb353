"""Layers of MIST."""

from collections.abc import Sequence

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import MISTCell
from seqskip.delays import exponential, per_layer
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class MIST(Recurrent):
    """MIST layers; the recurrence is that of `seqskip.cells.MISTCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, but that `delays` are by default the
    authors' (1, 2, 4, ..., 128), and that each layer needs two or more: over one alone the softmax is always 1, its
    weights would learn nothing, and nothing would be mixed.

    Raises:
        ValueError: besides, a layer has fewer than two delays.

    >>> layer = MIST(3, 8, delays=exponential(4))
    >>> output, state = layer(torch.zeros(10, 5, 3))
    >>> output.shape, state.shape
    (torch.Size([10, 5, 8]), torch.Size([8, 5, 8]))
    """

    cell_type = MISTCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        **options: Unpack[StackOptions],
    ):
        delays = options.setdefault("delays", exponential(8))
        checks.integer("num_layers", num_layers, 1)
        none = delays is None or (isinstance(delays, Sequence) and not delays)
        if none or min(map(len, per_layer(delays, num_layers))) < 2:
            raise ValueError(
                f"delays of MIST must be two or more for each layer, got {delays!r}; there is nothing to mix: give "
                "several, such as seqskip.exponential(8), or use seqskip.RNN"
            )
        super().__init__(input_size, hidden_size, num_layers, **options)

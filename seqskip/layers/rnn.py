"""Simple recurrent layers."""

from collections.abc import Sequence

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NONLINEARITIES, RNNCell
from seqskip.layers.torch_shaped import TorchLayer
from seqskip.options import TorchOptions


class RNN(TorchLayer):
    """Simple recurrent layers with delays; the recurrence is that of `seqskip.cells.RNNCell`.

    Arguments, shapes and errors are those of `seqskip.layers.TorchLayer`, and `nonlinearity`, "tanh" or "relu".

    >>> layer = RNN(3, 8, num_layers=2, delays=((1,), (4,)), residual="add")
    >>> output, state = layer(torch.zeros(10, 5, 3))
    >>> output.shape, state.shape
    (torch.Size([10, 5, 8]), torch.Size([5, 5, 8]))
    """

    cell_type = RNNCell
    cell_takes = (*TorchLayer.cell_takes, "nonlinearity")

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        **options: Unpack[TorchOptions],
    ):
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        self.mode = f"RNN_{self.nonlinearity.upper()}"
        positional = (bias, batch_first, dropout, bidirectional, proj_size)
        super().__init__(input_size, hidden_size, num_layers, *positional, **options)

    def shown(self) -> dict[str, object]:
        return super().shown() | {"nonlinearity": self.nonlinearity}

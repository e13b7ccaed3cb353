"""RNN, LSTM and GRU: torch.nn's recurrent layers, with skips through time and through depth."""

import torch

from seqskip import checks
from seqskip.cells import NONLINEARITIES, GRUCell, LSTMCell, RNNCell
from seqskip.delays import Delays
from seqskip.recurrent import Recurrent


class RNN(Recurrent):
    """Simple recurrent layers with delays; the recurrence is that of `seqskip.cells.RNNCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`, and `nonlinearity`, "tanh" or "relu".

    >>> layer = RNN(3, 8, num_layers=2, delays=((1,), (4,)), residual="add")
    >>> output, state = layer(torch.zeros(10, 5, 3))
    >>> output.shape, state.shape
    (torch.Size([10, 5, 8]), torch.Size([5, 5, 8]))
    """

    cell_type = RNNCell
    nonlinearity: str = "tanh"

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        *,
        delays: Delays = 1,
        combine: str = "sum",
        residual: str | None = None,
        init: str = "torch",
        backend: str = "auto",
        checkpoint_segments: int = 1,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            delays=delays,
            combine=combine,
            residual=residual,
            init=init,
            backend=backend,
            checkpoint_segments=checkpoint_segments,
            device=device,
            dtype=dtype,
        )
        self.nonlinearity = nonlinearity

    @property
    def cell_options(self) -> tuple[str, ...]:
        return (self.nonlinearity,)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, nonlinearity={self.nonlinearity!r}"


class LSTM(Recurrent):
    """Long short-term memory layers with delays; the recurrence is that of `seqskip.cells.LSTMCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`; the state is (h, c).

    >>> layer = LSTM(3, 8, delays=(1, 8), batch_first=True)
    >>> output, (h, c) = layer(torch.zeros(5, 10, 3))
    >>> output.shape, c.shape
    (torch.Size([5, 10, 8]), torch.Size([8, 5, 8]))
    """

    cell_type = LSTMCell


class GRU(Recurrent):
    """Gated recurrent layers with delays; the recurrence is that of `seqskip.cells.GRUCell`.

    Arguments, shapes and errors are those of `seqskip.recurrent.Recurrent`.

    >>> layer = GRU(3, 8, num_layers=3, delays=((1,), (2,), (4,)))
    >>> y, state = layer.step(torch.zeros(5, 3))
    >>> y.shape, state.shape
    (torch.Size([5, 8]), torch.Size([7, 5, 8]))
    """

    cell_type = GRUCell

"""Long short-term memory layers."""

from seqskip.cells import LSTMCell
from seqskip.layers.torch_shaped import TorchLayer


class LSTM(TorchLayer):
    """Long short-term memory layers with delays; the recurrence is that of `seqskip.cells.LSTMCell`.

    Arguments, shapes and errors are those of `seqskip.layers.TorchLayer`; the state is (h, c).

    >>> layer = LSTM(3, 8, delays=(1, 8), batch_first=True)
    >>> output, (h, c) = layer(torch.zeros(5, 10, 3))
    >>> output.shape, c.shape
    (torch.Size([5, 10, 8]), torch.Size([8, 5, 8]))
    """

    cell_type = LSTMCell
    mode = "LSTM"

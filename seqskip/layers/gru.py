"""Gated recurrent layers."""

from seqskip.cells import GRUCell
from seqskip.layers.torch_shaped import TorchLayer


class GRU(TorchLayer):
    """Gated recurrent layers with delays; the recurrence is that of `seqskip.cells.GRUCell`.

    Arguments, shapes and errors are those of `seqskip.layers.TorchLayer`.

    >>> layer = GRU(3, 8, num_layers=3, delays=((1,), (2,), (4,)))
    >>> y, state = layer.step(torch.zeros(5, 3))
    >>> y.shape, state.shape
    (torch.Size([5, 8]), torch.Size([7, 5, 8]))
    """

    cell_type = GRUCell
    mode = "GRU"

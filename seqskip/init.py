"""How the weights of a recurrent layer start."""

import itertools
from collections.abc import Callable

import torch
from torch import nn

from seqskip.cells import GRUCell, LSTMCell, RNNCell, TorchCell

# The bias with which each gate starts in TensorFlow 1, matrix by matrix.
_TF1: dict[type[TorchCell], tuple[tuple[float, ...], ...]] = {
    RNNCell: ((0.0,),),
    LSTMCell: ((0.0, 1.0, 0.0, 0.0),),
    GRUCell: ((1.0, 1.0), (0.0,)),
}


def torch_uniform(cell: TorchCell) -> None:
    """Draw every weight and bias from U(-1/√H, 1/√H), in torch.nn's order: the same seed, the same weights."""
    cell.reset_parameters()


@torch.no_grad()
def orthogonal(cell: TorchCell) -> None:
    """Start as `torch_uniform`, then make each gate's recurrent matrix of each delay orthogonal.

    With K matrices (combine="sum") each is divided by √K, so that the rows of a gate's block [U_d1 ... U_dK]
    are orthonormal for any K: Σ_d U_d U_dᵀ = 1. Reference: Saxe, McClelland & Ganguli (2014, arXiv 1312.6120);
    Henaff, Szlam & LeCun (2016, arXiv 1602.06662) for recurrent nets.
    """
    torch_uniform(cell)
    size = cell.hidden_size
    count = cell.weight_hh.size(1) // size
    for gate in torch.split(cell.weight_hh, size, 0):
        for matrix in torch.split(gate, size, 1):
            # In float32 at least: half precision has no QR decomposition.
            drawn = torch.empty_like(matrix, dtype=torch.promote_types(matrix.dtype, torch.float32))
            matrix.copy_(nn.init.orthogonal_(drawn, gain=count**-0.5))


@torch.no_grad()
def tf1(cell: TorchCell) -> None:
    """Start as the cells of TensorFlow 1 do: matrices Glorot-uniform, biases 0, but those of some gates 1.

    [W U_d1 ... U_dK] of all gates, (G·H, I + K·H), is one matrix there, and two for a GRU, that of r and z and that of
    n: its numbers come from U(-s, s), s² = 6 / (rows + columns). With bias 1 start r and z of a GRU, and the forget
    gate of an LSTM, for TensorFlow adds a `forget_bias` of 1 at each step.
    """
    torch_uniform(cell)
    columns = cell.weight_ih.size(1) + cell.weight_hh.size(1)
    sizes = [len(starts) * cell.hidden_size for starts in _TF1[type(cell)]]
    for weight in (cell.weight_ih, cell.weight_hh):
        for matrix, rows in zip(torch.split(weight, sizes), sizes, strict=True):
            bound = (6 / (rows + columns)) ** 0.5
            nn.init.uniform_(matrix, -bound, bound)
    if cell.bias_ih is not None and cell.bias_hh is not None:
        nn.init.zeros_(cell.bias_hh)
        gates = itertools.chain(*_TF1[type(cell)])
        for bias, start in zip(torch.split(cell.bias_ih, cell.hidden_size), gates, strict=True):
            nn.init.constant_(bias, start)


INITIALISERS: dict[str, Callable[[TorchCell], None]] = {"torch": torch_uniform, "orthogonal": orthogonal, "tf1": tf1}

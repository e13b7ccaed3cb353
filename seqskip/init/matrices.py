"""Starts of all weights of a recurrence, which have names."""

import itertools
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from seqskip.cells import GRUCell, LSTMCell, RNNCell, TorchCell
from seqskip.init.base import Initialiser, empty_like, set_bias

# The bias with which each gate starts in TensorFlow 1, matrix by matrix.
_TF1: dict[type[TorchCell], tuple[tuple[float, ...], ...]] = {
    RNNCell: ((0.0,),),
    LSTMCell: ((0.0, 1.0, 0.0, 0.0),),
    GRUCell: ((1.0, 1.0), (0.0,)),
}


@dataclass(frozen=True)
class Uniform(Initialiser):
    """Draw every weight and bias from U(-1/√H, 1/√H), in torch.nn's order: the same seed, the same weights."""

    def draw(self, cell: TorchCell) -> None:
        cell.reset_parameters()


@dataclass(frozen=True)
class Orthogonal(Initialiser):
    """Start as `Uniform`, then make each gate's recurrent matrix of each delay orthogonal.

    With K matrices (combine="sum") each is divided by √K, so that the rows of a gate's block [U_d1 ... U_dK] are
    orthonormal for any K: Σ_d U_d U_dᵀ = 1. Those that read a projected state, (H, P), have orthogonal columns.

    Reference: Saxe, McClelland & Ganguli (2014, arXiv 1312.6120); Henaff, Szlam & LeCun (2016, arXiv 1602.06662) for
    recurrent nets.
    """

    def draw(self, cell: TorchCell) -> None:
        cell.reset_parameters()
        rows, columns = cell.hidden_size, cell.widths[0]
        count = cell.weight_hh.size(1) // columns
        for gate in torch.split(cell.weight_hh, rows, 0):
            for matrix in torch.split(gate, columns, 1):
                matrix.copy_(nn.init.orthogonal_(empty_like(matrix), gain=count**-0.5))


@dataclass(frozen=True)
class Identity(Initialiser):
    """The IRNN: the recurrent matrix is the identity, W is drawn from N(0, 0.001²), both biases are 0. For RNN alone.

    With relu and no input a state stays as it is, and so does its gradient. With K matrices (combine="sum") each is
    I/K: their sum is the identity, so that the recurrence reads the mean of the delayed states, as with combine="mean",
    and a constant state still stays. K identities would blow it up, one beside zeros would leave the other delays out.
    By what combine="gate" and "learned" choose their delays starts as in `Uniform`; with layer_norm no state stays.

    Reference: Le, Jaitly & Hinton (2015, arXiv 1504.00941), whose units are relu; those of tanh forget, as 1/√t. Every
    layer of a stack reads the one below through an N(0, 0.001²) of its own: give it a shortcut, or start it in another
    way. Delays are not in the paper.
    """

    cells: ClassVar[tuple[type[TorchCell], ...]] = (RNNCell,)
    repair: ClassVar[str] = "gates keep a state by Chrono(longest), and start orthogonal by init='orthogonal'"

    def draw(self, cell: TorchCell) -> None:
        cell.reset_parameters()
        for matrix in (matrices := torch.split(cell.weight_hh, cell.hidden_size, 1)):
            nn.init.eye_(matrix).div_(len(matrices))
        nn.init.normal_(cell.weight_ih, std=0.001)
        if cell.bias_ih is not None:
            set_bias(cell, 0, 0.0)


@dataclass(frozen=True)
class TF1(Initialiser):
    """Start as the cells of TensorFlow 1 do: matrices Glorot-uniform, biases 0, but those of some gates 1.

    [W U_d1 ... U_dK] of all gates, (G·H, I + K·H), is one matrix there, and two for a GRU, that of r and z and that of
    n: its numbers come from U(-s, s), s² = 6 / (rows + columns). With bias 1 start r and z of a GRU, and the forget
    gate of an LSTM, for TensorFlow adds a `forget_bias` of 1 at each step.
    """

    def draw(self, cell: TorchCell) -> None:
        cell.reset_parameters()
        columns = cell.weight_ih.size(1) + cell.weight_hh.size(1)
        starts = next(found for kind, found in _TF1.items() if isinstance(cell, kind))
        sizes = [len(gates) * cell.hidden_size for gates in starts]
        for weight in (cell.weight_ih, cell.weight_hh):
            for matrix, rows in zip(torch.split(weight, sizes), sizes, strict=True):
                bound = (6 / (rows + columns)) ** 0.5
                nn.init.uniform_(matrix, -bound, bound)
        if cell.bias_ih is not None:
            for gate, start in enumerate(itertools.chain(*starts)):
                set_bias(cell, gate, start)


INITIALISERS: dict[str, Initialiser] = {
    "torch": Uniform(),
    "orthogonal": Orthogonal(),
    "identity": Identity(),
    "tf1": TF1(),
}

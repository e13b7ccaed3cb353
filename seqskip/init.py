"""How the weights of a recurrent layer start."""

from collections.abc import Callable

import torch
from torch import nn

from seqskip.cells import Cell


@torch.no_grad()
def torch_uniform(cell: Cell) -> None:
    """Draw every weight and bias from U(-1/√H, 1/√H), in torch.nn's order: the same seed, the same weights."""
    bound = cell.hidden_size**-0.5
    for weight in (cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh):
        if weight is not None:
            nn.init.uniform_(weight, -bound, bound)


@torch.no_grad()
def orthogonal(cell: Cell) -> None:
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


INITIALISERS: dict[str, Callable[[Cell], None]] = {"torch": torch_uniform, "orthogonal": orthogonal}

"""How the weights of a recurrent layer start."""

from collections.abc import Callable

import torch
from torch import nn

from seqskip.cells import TorchCell


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


INITIALISERS: dict[str, Callable[[TorchCell], None]] = {"torch": torch_uniform, "orthogonal": orthogonal}

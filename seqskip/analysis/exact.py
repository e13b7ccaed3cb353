"""A layer in float64: measured is what the model is, not what rounding adds."""

import copy
from dataclasses import replace

import torch
from torch import Tensor

from seqskip.stack import Block


def in_float64(block: Block) -> Block:
    """Return a block that reads forward with copies of its weights in float64, and without dropout."""
    reader = block.forward
    norm = None if block.norm is None else copy.deepcopy(block.norm).double().requires_grad_(False)
    return replace(
        block,
        directions=[replace(reader, cell=reader.cell.with_weights(exact))],
        join=None if block.join is None else block.join.with_weights(exact),
        norm=norm,
        dropout=0.0,
        kept=None if block.kept is None else exact(block.kept),
    )


def exact(x: Tensor) -> Tensor:
    """Return a copy in float64."""
    # A copy in any case: the weights may be those of inference mode, which no derivative knows.
    return x.detach().to(torch.float64, copy=True)

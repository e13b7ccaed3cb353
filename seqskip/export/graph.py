"""What a file computes, as one graph of torch operations."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram

from seqskip.engines import backend
from seqskip.history import State
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Module = Recurrent | SequenceModel


class Answer(nn.Module):
    """A layer or a model as a function of x alone, or of x and the state, which it then returns too."""

    def __init__(self, module: Module):
        super().__init__()
        self.module = module

    def forward(self, x: Tensor, *state: Tensor) -> State:
        module = self.module
        if isinstance(module, SequenceModel):
            output, line = module.core(module.encode(x), state or None)
            output = module.answer(output)
        else:
            output, line = module(x, state or None)
        if not state:
            return (output,)
        return output, *(line if isinstance(line, tuple) else (line,))


def core_of(module: Module) -> Recurrent:
    """Return the layers of a model, or the layers themselves."""
    return module.core if isinstance(module, SequenceModel) else module


def followed(module: Module, state: bool) -> ExportedProgram:
    """Return the operations of a module in evaluation mode, for any number of samples and of time steps."""
    answer = Answer(module)
    # The sweeps are operators that no other runtime has; the reference is made of torch's own.
    with _answering(answer), backend("reference"):
        return torch.export.export(answer, _example(module, state), dynamic_shapes=_sizes(module, state))


def _example(module: Module, state: bool) -> State:
    """Return inputs to follow; a size of 1 would be taken for the only one there is."""
    core, batch, time = core_of(module), 2, 3
    sizes = (batch, time) if _batch_first(module) else (time, batch)
    if module.input_size is None:
        x = core.like.new_zeros(sizes, dtype=torch.int64)
    else:
        x = core.like.new_zeros(*sizes, module.input_size)
    return x, *(core.like.new_zeros(rows, batch, width) for rows, width in core.state_shapes() if state)


def _sizes(module: Module, state: bool) -> tuple[Any, ...]:
    """Return which dimensions of the inputs may have any size."""
    batch, time = Dim("batch", min=1), Dim("time", min=1)
    x = {0: batch, 1: time} if _batch_first(module) else {0: time, 1: batch}
    return (x, tuple({1: batch} for _ in core_of(module).state_names)) if state else (x,)


def _batch_first(module: Module) -> bool:
    return isinstance(module, SequenceModel) or module.batch_first


@contextmanager
def _answering(module: nn.Module) -> Iterator[None]:
    """Have a module answer in evaluation mode; leave each part of it in the mode that it is in."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        module.eval()
        yield
    finally:
        for part, mode in modes:
            part.training = mode

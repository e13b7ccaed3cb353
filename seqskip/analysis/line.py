"""How a net reads the inputs x_1 ... x_M of a line, all at once, and what of its answer counts."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.recording.found import RecurrentModule, tensors
from seqskip.model import SequenceModel


def along_line(net: nn.Module, steps: int, features: int | None) -> Callable[[Tensor], Tensor]:
    """Return f: it takes the inputs (M,) and gives what the net answers at the last step, one or more numbers each.

    A net without recurrent layers reads (M, I); another one sequences of so many `steps`, (M, T, I), or (T, M, I)
    where the first recurrent layer in it is so laid out.
    """
    size = _features(net) if features is None else checks.integer("features", features, 1)
    layer = next((module for module in net.modules() if isinstance(module, RecurrentModule)), None)
    if layer is None:
        return lambda x: _read(net, x.unsqueeze(1).expand(-1, size))
    batch_first = isinstance(net, SequenceModel) or bool(getattr(layer, "batch_first", True))

    def last(x: Tensor) -> Tensor:
        first = x.view(-1, 1, 1).expand(-1, -1, size)
        sequences = torch.cat((first, first.new_zeros(len(x), steps - 1, size)), 1)
        answer = _read(net, sequences if batch_first else sequences.transpose(0, 1))
        if isinstance(net, SequenceModel) and net.readout != "every":
            return answer
        return _last(answer, len(x), steps, batch_first)

    return last


def _read(net: nn.Module, x: Tensor) -> Tensor:
    try:
        answer = next(tensors(net(x)), None)
    except RuntimeError as error:
        raise ValueError(
            f"net must read an input of shape {tuple(x.shape)}, got {type(net).__name__} that cannot: {error}; "
            "features=I says how many numbers one input, or one step of it, has"
        ) from error
    if answer is None:
        raise ValueError(f"net must return a tensor, or a tuple or dict with one, got none from {type(net).__name__}")
    return answer


def _last(answer: Tensor, points: int, steps: int, batch_first: bool) -> Tensor:
    """Return the answer at the last step, or all of it where there is but one for each input."""
    shape = tuple(answer.shape)
    fitting = [axis for axis, sizes in ((1, (points, steps)), (0, (steps, points))) if shape[:2] == sizes]
    if fitting:
        return answer.select(fitting[0] if len(fitting) == 1 else int(batch_first), -1)
    if shape[:1] == (points,):
        return answer
    raise ValueError(
        f"net must answer with (M, ·), (M, T, ·) or (T, M, ·) for M={points} sequences of T={steps} steps, got {shape}"
        "; wrap it in a module that reads them as its first recurrent layer does and returns one of these"
    )


def _features(net: nn.Module) -> int:
    """Return how many features a net reads: those of the first layer in it that says so."""
    for module in _in_order(net):
        if isinstance(module, nn.Embedding):
            raise ValueError(
                "net must read numbers to have an input gradient, got a model for tokens; pass net.core of a "
                "SequenceModel, or the part behind the embedding"
            )
        if isinstance(module, nn.Linear | RecurrentModule):
            return module.in_features if isinstance(module, nn.Linear) else module.input_size
    return 1


def _in_order(net: nn.Module) -> Iterator[nn.Module]:
    if isinstance(net, SequenceModel):
        yield from net.encoder.modules()
    yield from net.modules()

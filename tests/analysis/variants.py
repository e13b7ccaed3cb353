"""A stack for each way to skip time or depth, and cells of one's own, in float64: all that is to be measured."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, FastGRNN, FastRNN, Stack
from seqskip.cells import OwnHistory
from seqskip.recurrent import Recurrent
from tests.literature.written_out import WrittenOut
from tests.test_literature import FOUND


class Peephole(nn.Module):
    """A state of three parts of different width; the second one is made of the first, and the last one is constant."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.read = nn.Linear(input_size + hidden_size + 1, hidden_size)
        self.clock = nn.Linear(hidden_size, 1)
        self.state_sizes = (hidden_size, 1, 2)

    def step(self, x: Tensor, history: OwnHistory) -> tuple[Tensor, ...]:
        h, clock, constant = history.mean()
        h = torch.tanh(self.read(torch.cat((x, h, clock), -1)) + constant.sum(-1, keepdim=True))
        return h, torch.sigmoid(self.clock(h)) + 0.5 * clock, x.new_ones(len(x), 2)


class Wrapped(nn.Module):
    """A cell of torch.nn's inside a module of one's own."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = nn.GRUCell(input_size, hidden_size)

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        (h,) = history.mean()
        return self.cell(x, h)


D = ((1, 3), (2,))
WIRED: dict[str, Callable[[], Recurrent]] = {
    "fractions": lambda: RNN(3, 4, 2, delays=((1, 2.5), (1.5,))),
    "fractions-mean": lambda: GRU(3, 4, 2, delays=((1, 2.5), (1.5,)), combine="mean"),
    "gate": lambda: LSTM(3, 4, 2, delays=((2, 5), (1, 3)), combine="gate"),
    "learned": lambda: GRU(3, 4, 2, delays=((2, 5), (1, 3)), combine="learned"),
    "taps": lambda: RNN(3, 4, 2, delays=D, input_delays=((0, 1, 4), (2,))),
    "taps-in-one": lambda: LSTM(3, 4, 2, delays=D, input_delays=((0,), (1, 2))),
    "taps-norm": lambda: GRU(3, 4, 3, delays=(1, 2), input_delays=(0, 2), norm="rms", norm_first=True, residual="add"),
    "highway": lambda: RNN(3, 4, 3, delays=(1, 3), residual="highway"),
    "dense": lambda: GRU(3, (4, 2), 2, delays=D, residual="dense"),
    "zeros": lambda: RNN(3, (4, 5), 2, delays=D, residual="add", projection="zeros"),
    "layer-norm": lambda: LSTM(3, 4, 2, delays=D, residual="add", norm="layer"),
    "batch-norm": lambda: RNN(3, 4, 2, delays=D, residual="add", norm="batch"),
    "norm-alone": lambda: GRU(3, 4, 2, delays=D, norm="rms"),
    "norm-first": lambda: RNN(3, 4, 3, delays=1, norm="layer", norm_first=True),
    "highway-norm": lambda: LSTM(3, 4, 2, delays=D, residual="highway", norm="layer", norm_first=True),
    "sizes": lambda: LSTM(3, (4, 2, 5), 3, delays=((1, 3), (2,), (1,))),
    "sizes-add": lambda: GRU(3, (4, 2), 2, delays=D, residual="add"),
    "scale": lambda: RNN(3, 4, 3, delays=(1, 3), residual="add", residual_scale=0.3),
    "fast-rnn": lambda: FastRNN(3, 4, 2, delays=D),
    "fast-grnn": lambda: FastGRNN(3, 4, 2, delays=D, residual="add", rank_u=2),
    "own": lambda: Stack(Peephole, 3, (4, 2), 2, delays=((2, 4), (1, 3))),
    "own-taps": lambda: Stack(Peephole, 3, 3, 2, delays=(1.5,), input_delays=(0, 2), residual="highway"),
    "wrapped": lambda: Stack(Wrapped, 3, 3, 2, delays=(1, 2), residual="add"),
}


def literature(one: WrittenOut, options: Mapping[str, Any]) -> Recurrent:
    """Return a layer of a paper."""
    delays = {"delays": (2, 3)} if one.delays else {}
    return one.layer(3, 4, **(delays | dict(options)))


CASES = WIRED | {
    "-".join([one.layer.__name__, *map(str, options.values())]): partial(literature, one, options)
    for one in FOUND
    for options in one.options
}


def build(case: str) -> Recurrent:
    """Return a stack in evaluation mode, its norms and scales no longer as they start."""
    core = CASES[case]().double().eval()
    with torch.no_grad():
        for name, weight in core.named_parameters():
            if name.startswith("norm"):
                weight.add_(torch.randn_like(weight) / 4)
        for buffer in core.buffers():
            if buffer.is_floating_point():
                buffer.add_(torch.rand_like(buffer))
    return core


class Chunks(nn.Module):
    """A stack that reads a sequence in chunks, shorter than its delay lines, and answers with all that it said."""

    def __init__(self, core: Recurrent, size: int) -> None:
        super().__init__()
        self.core, self.size = core, size

    def forward(self, x: Tensor) -> Tensor:
        state, outputs = None, []
        for chunk in x.split(self.size):
            output, state = self.core(chunk, state)
            outputs.append(output)
        return torch.cat(outputs)

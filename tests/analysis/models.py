"""Models as their users write them, with recurrent layers somewhere inside."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

import seqskip


class Tagger(nn.Module):
    """Embedding, LSTM, GRU, linear: the usual stack of torch.nn, some of it in place."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.embed = nn.Embedding(5, 3)
        self.lstm = nn.LSTM(3, 4, 2, batch_first=True, dropout=dropout)
        self.drop = nn.Dropout(dropout, inplace=True)
        self.gru = nn.GRU(4, 3)
        self.head = nn.Linear(3, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.embed(tokens)
        output, _ = self.lstm(x)
        output *= 2
        x += output[..., :3]
        output, _ = self.gru(self.drop(torch.tanh(output + x.sum(-1, keepdim=True))).transpose(0, 1))
        return self.head(output).transpose(0, 1)


class Residual(nn.Module):
    """Two of seqskip's layers with normalisation, and a shortcut round each."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = seqskip.GRU(3, 3, delays=(1, 4))
        self.norm = nn.LayerNorm(3)
        self.second = seqskip.LSTM(3, 3, 2, delays=((2,), (3,)), residual="add", dropout=dropout)

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.first(x)
        x = self.norm(output + x)
        output, _ = self.second(x)
        return x + output


class Cells(nn.Module):
    """A loop over two layers of cells, with a nonlinearity of its own on the way through time."""

    def __init__(self, kind: str = "LSTM", **options: Any) -> None:
        super().__init__()
        make = {"LSTM": nn.LSTMCell, "GRU": nn.GRUCell, "RNN": nn.RNNCell}[kind]
        self.cells = nn.ModuleList([make(3, 4, **options), make(4, 4, **options)])
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        states: list[Any] = [None, None]
        for x_t in x.unbind(0):
            for n, cell in enumerate(self.cells):
                states[n] = cell(x_t, states[n])
                x_t = states[n][0] if isinstance(states[n], tuple) else states[n]
            if not isinstance(states[0], tuple):
                states[0] = torch.sin(states[0])
        return self.head(x_t)


class Chunks(nn.Module):
    """One long sequence in chunks of a few steps, the state handed on; the delays are longer than a chunk."""

    def __init__(self, size: int = 2, learned: bool = False) -> None:
        super().__init__()
        self.core = seqskip.LSTM(3, 4, 2, delays=((1, 5), (3,)), batch_first=True)
        self.start = nn.Parameter(torch.randn(2, 8, 1, 4)) if learned else None
        self.size = size

    def forward(self, x: Tensor) -> Tensor:
        state = None if self.start is None else tuple(self.start.expand(2, 8, len(x), 4))
        for chunk in x.split(self.size, 1):
            output, state = self.core(chunk, state)
        return output[:, -1]


class Stream(nn.Module):
    """seqskip's own steps, one sample."""

    def __init__(self) -> None:
        super().__init__()
        self.core = seqskip.GRU(3, 4, 2, delays=((1, 3), (2,)))

    def forward(self, x: Tensor) -> Tensor:
        state = None
        for x_t in x.unbind(0):
            y_t, state = self.core.step(x_t, state)
        return y_t


class Translator(nn.Module):
    """An encoder, and a decoder that reads its own answers and attends to the encoder."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.GRU(3, 4)
        self.bridge = nn.Linear(4, 4)
        self.decoder = nn.RNNCell(4, 4)
        self.head = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        seen, last = self.encoder(x)
        state, answers = torch.tanh(self.bridge(last[0])), [x.new_zeros(x.size(1), 4)]
        for _ in range(4):
            weights = torch.softmax(torch.einsum("tbh,bh->tb", seen, state), 0)
            state = self.decoder(answers[-1] + torch.einsum("tb,tbh->bh", weights, seen), state)
            answers.append(self.head(state))
        return torch.stack(answers[1:]), {"weights": weights}


class Twice(nn.Module):
    """One layer on two sequences, and once more on what it said of the first."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.RNN(3, 3, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        first, _ = self.rnn(x)
        second, _ = self.rnn(x.flip(0))
        third, _ = self.rnn(first)
        return first[-1] * second[-1] + third[-1]


class Module(pl.LightningModule):
    """A model inside a LightningModule inside a Sequential."""

    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(Tagger(), nn.Tanh())

    def forward(self, tokens: Tensor) -> Tensor:
        return self.net(tokens)[:, -1]


class Stack(nn.Module):
    """Layers one after the other."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
        return x


class Halving(nn.Module):
    """A loop that halves the state before each step."""

    def __init__(self, cell: nn.Module) -> None:
        super().__init__()
        self.cell = cell

    def forward(self, x: Tensor) -> Tensor:
        h = x[0] * 0
        for x_t in x:
            h = self.cell(x_t, h * 0.5)
        return h


class Readout(nn.Module):
    """A GRU, and anything between its output and the answer."""

    def __init__(self, readout: Callable[[Tensor], Any]) -> None:
        super().__init__()
        self.rnn, self.head, self.readout = nn.GRU(3, 4), nn.Linear(4, 2), readout

    def forward(self, x: Tensor) -> Any:
        output, _ = self.rnn(x)
        return self.head(self.readout(output))


def whole(core: Any) -> Any:
    """Look at all of a state's gradient."""
    return lambda state, pre: state

"""Samples of different length, each cut to its own steps and run alone: what a padded batch must give."""

from collections.abc import Sequence

import torch
from hypothesis import strategies as st
from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.strategies import as_parts, random_input


@st.composite
def ragged(draw: st.DrawFn, layer: Recurrent) -> tuple[Tensor, State, list[int]]:
    """Draw x (T, B, I), a state and B lengths in 0 to T."""
    steps, batch = draw(st.integers(1, 9)), draw(st.integers(1, 4))
    lengths = draw(st.lists(st.integers(0, steps), min_size=batch, max_size=batch))
    return *random_input(layer, steps, batch), lengths


def spoilt(x: Tensor, lengths: Sequence[int], fill: float) -> Tensor:
    """Return x (T, B, I) with something in the padding that must not be seen."""
    x = x.clone()
    for b, length in enumerate(lengths):
        x[length:, b] = fill
    return x


def recur(cell: Cell, x: Tensor, initial: State, lengths: Sequence[int]) -> list[Tensor]:
    """Return output and delay line of one cell by a plain loop over samples and steps; no engine, no history."""
    outputs, lines = [], []
    for b, length in enumerate(lengths):
        rows = range(len(initial[0]))
        states = [tuple(part[row, b : b + 1] for part in initial) for row in rows]
        for t in range(length):
            past = {d: states[-d] for d in cell.edges}
            states.append(cell.step(cell.project(x[t, b : b + 1]), past))
        hidden = [state[0] for state in states[len(rows) :]]
        outputs.append(torch.stack(hidden + [torch.zeros_like(initial[0][0, :1])] * (len(x) - length)))
        lines.append([torch.stack(part) for part in zip(*states[-len(rows) :], strict=True)])
    return [torch.cat(outputs, 1), *(torch.cat(part, 1) for part in zip(*lines, strict=True))]


def each_alone(layer: Recurrent, x: Tensor, state: State, lengths: Sequence[int]) -> list[Tensor]:
    """Return output and state of a layer that is called once per sample, on the sample cut to its length."""
    outputs, lines = [], []
    for b, length in enumerate(lengths):
        output, line = x.new_zeros(len(x), 1, layer.output_size), tuple(part[:, b : b + 1] for part in state)
        if length:
            alone, line = layer(x[:length, b : b + 1], line if len(line) > 1 else line[0])
            output = torch.cat((alone, output[length:]))
        outputs.append(output)
        lines.append(as_parts(line))
    return [torch.cat(outputs, 1), *(torch.cat(part, 1) for part in zip(*lines, strict=True))]


def with_gradients(results: Sequence[Tensor], leaves: Sequence[Tensor]) -> list[Tensor]:
    """Return results and the gradients of a weighted sum of them: weights that differ show entries out of place."""
    loss = sum((torch.linspace(-1, 1, r.numel(), dtype=r.dtype).view_as(r) * r).sum() for r in results)
    return [*results, *torch.autograd.grad(loss, leaves, materialize_grads=True, allow_unused=True)]

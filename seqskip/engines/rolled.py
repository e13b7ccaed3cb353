"""The loop over time as one node of a graph, for torch.export and ONNX: unrolled, it would hold for one length."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import State
from seqskip.lengths import padding

Step = Callable[[State, Sequence[Tensor]], tuple[State, Tensor]]


@dataclass(frozen=True, eq=False)
class Carried:
    """The delay line as the loop hands it from one step to the next: `past[d]` is the state d steps ago."""

    line: State  # each part (D, B, H), oldest first

    def __getitem__(self, delay: int, /) -> State:
        return tuple(part[-delay] for part in self.line)

    def after(self, state: State) -> State:
        """Return the line one step later."""
        return tuple(torch.cat((part[1:], new.unsqueeze(0))) for part, new in zip(self.line, state, strict=True))


def rolled(
    cell: Cell,
    x: Tensor,  # (T, B, I)
    initial: State,  # each part (D, B, H), oldest first
    lengths: Tensor | None = None,  # (B,)
) -> tuple[Tensor, State]:
    """Return what `scan` returns, from torch's operator of that name: a graph that holds for any T and B >= 1."""
    ended = () if lengths is None else (padding(lengths, x.size(0)).unsqueeze(2),)
    given = tuple(part.contiguous() for part in initial)  # as the step makes them
    line, output = _loop(partial(_step, cell), given, (cell.project(x), *ended))
    return output, tuple(line)


def _step(cell: Cell, line: State, read: Sequence[Tensor]) -> tuple[State, Tensor]:
    """Return the line one step later and h, from the projected input and, with lengths, which samples have ended."""
    projected, *ended = read
    past = Carried(line)
    state = cell.step(projected, past)
    after = past.after(state)
    if not ended:
        return after, state[0].clone()  # a cell may hand on what it was given, which torch's scan refuses
    (over,) = ended
    kept = tuple(torch.where(over, *pair) for pair in zip(line, after, strict=True))
    return kept, state[0].masked_fill(over, 0)


def _loop(step: Step, initial: State, read: Sequence[Tensor]) -> tuple[State, Tensor]:
    # Prototypes of torch's, which may move: only those who export are to notice.
    from torch._higher_order_ops.scan import scan
    from torch.fx.experimental import _config

    if torch.compiler.is_dynamo_compiling():
        return scan(step, initial, read)
    # Else a B that equals the size of a weight is taken for that size, and Dynamo warns of what it looks at itself.
    with _config.patch(use_duck_shape=False), warnings.catch_warnings():  # type: ignore[attr-defined]
        warnings.filterwarnings("ignore", ".*that is not a leaf Tensor is being accessed")
        return scan(step, initial, read)

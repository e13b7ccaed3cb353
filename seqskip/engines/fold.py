"""A dilated layer is an ordinary layer of T/d steps on a batch d times as wide: fold, run, unfold.

With g the greatest common divisor of a layer's delays, step t depends on steps t-g, t-2g, ... alone: the layer
is g interleaved recurrences ("phases") with delays d/g, and time step t = k·g + j is step k of phase j. The
trick is that of Chang et al. (2017, arXiv 1710.02224, Figure 3), here with a given history and with LSTM's c.
"""

import torch
from torch import Tensor

from seqskip.cells import Cell
from seqskip.history import State
from seqskip.lengths import pick
from seqskip.scan import scan


def to_phases(x: Tensor, g: int) -> Tensor:
    """Reshape (k·g, B, F) to (k, g·B, F): one batch entry per phase and sample, phase major."""
    return x.reshape(x.size(0) // g, g * x.size(1), x.size(2))


def from_phases(x: Tensor, g: int) -> Tensor:
    """Reshape (k, g·B, F) back to (k·g, B, F)."""
    return x.reshape(x.size(0) * g, x.size(1) // g, x.size(2))


def fold(
    cell: Cell,
    x: Tensor,  # (T, B, I)
    initial: State,  # each part (D, B, H), oldest first; D is a multiple of g
    lengths: Tensor | None = None,  # (B,)
) -> tuple[Tensor, State]:
    """Return what `scan` returns, in ceil(T/g) steps instead of T."""
    if lengths is not None:
        return _fold_each(cell, x, initial, lengths)
    g, batch = cell.common_step, x.size(1)
    phase, rest = cell.phase(), x.size(0) % g
    whole = x.size(0) - rest
    outputs, line = [], tuple(to_phases(part, g) for part in initial)
    if whole:
        output, line = scan(phase.repeated(g), to_phases(x[:whole], g), line)
        outputs.append(from_phases(output, g))
    if not rest:
        return outputs[0], tuple(from_phases(part, g) for part in line)
    # The last T mod g steps are one more step of the first phases only.
    output, ahead = scan(
        phase.repeated(rest),
        x[whole:].reshape(1, rest * batch, x.size(2)),
        tuple(p[:, : rest * batch] for p in line),
    )
    outputs.append(from_phases(output, rest))
    new = tuple(from_phases(part[-1:], rest) for part in ahead)
    line = tuple(torch.cat((from_phases(old, g)[rest:], last)) for old, last in zip(line, new, strict=True))
    return torch.cat(outputs), line


def _fold_each(cell: Cell, x: Tensor, initial: State, lengths: Tensor) -> tuple[Tensor, State]:
    """As `fold`, where each sample has an end of its own: phase j of sample b takes ceil((len_b - j)/g) steps."""
    g, steps = cell.common_step, x.size(0)
    filled = torch.cat((x, x.new_zeros(-steps % g, *x.shape[1:])))
    ends = (lengths + g - 1 - torch.arange(g, device=lengths.device).unsqueeze(1)) // g  # (g, B)
    lines = tuple(to_phases(part, g) for part in initial)
    output, lines = scan(cell.phase().repeated(g), to_phases(filled, g), lines, ends.flatten())
    return from_phases(output, g)[:steps], tuple(_by_age(from_phases(part, g), g, lengths) for part in lines)


def _by_age(line: Tensor, g: int, lengths: Tensor) -> Tensor:
    """Put a delay line (D, B, H) whose rows stand by phase, 0 to g-1 over and over, in the order of time.

    The oldest of sample b's last D states is that of step len_b - D, whose phase is len_b mod g.
    """
    age = torch.arange(line.size(0), device=line.device).unsqueeze(1)
    return pick(line, age - age % g + (lengths + age) % g)

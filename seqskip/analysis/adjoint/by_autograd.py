"""The adjoint of any cell, by plain autograd over CHUNK steps at a time.

Between chunks the adjoints that are still to be handed on are divided by their largest entry, row by row, and the
log of the divisor is kept; a chunk that float64 does not hold is cut in two. Nothing is read but the cell's one step:
this is the oracle for what is written out by hand.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.analysis.adjoint.segment import change_of_scale, is_safe
from seqskip.analysis.adjoint.trace import Look, Pulled, Trace, last_step, widened
from seqskip.analysis.scaled import Scaled, finite
from seqskip.cells import Cell
from seqskip.engines.fold import from_phases, to_phases
from seqskip.history import History, State
from seqskip.scan import unroll

CHUNK = 16  # float64 safely holds factors from 1e-6 to 1e6 per step over so many steps


def trace_by_autograd(cell: Cell, x: Tensor, initial: State) -> Trace:
    """Run a layer one step after the other.

    Raises:
        ValueError: a step draws random numbers, which the way back would draw anew.
    """
    before = _random_state(x)
    history = unroll(cell, x, initial)
    if not torch.equal(_random_state(x), before):
        raise ValueError(
            f"a step must draw no random numbers to be measured, got {type(cell).__name__} that draws some, as dropout "
            "does: the way back would draw others; call model.eval() first, or have Cell.drawn draw once for a call"
        )
    return AutogradTrace(cell, x, initial, tuple(history.since_start(part) for part in range(len(initial))))


@dataclass(frozen=True, eq=False)
class AutogradTrace(Trace):
    """Goes back through `cell.step` by autograd."""

    def pull(self, direct: Scaled, look: Look, for_input: bool) -> Pulled:
        g, steps = self.cell.common_step, last_step(direct)
        direct = widened(direct, sum(self.cell.widths))
        swept = _sweep(_fold(self, steps, direct.value.size(1) // self.x.size(1)), _fold_scaled(direct[:steps], g))
        state, pre = (_unfold(part, g, steps).extended(len(self.x)) for part in swept[:2])
        before = Scaled(from_phases(swept[2].value, g), from_phases(swept[2].log.unsqueeze(-1), g).squeeze(-1))
        seen = look(state.value, lambda: pre.relative_to(state.log))
        return Pulled(Scaled(seen, state.log), pre.map(self._to_input) if for_input else None, before)

    def _to_input(self, rows: Tensor) -> Tensor:
        """Return ∂L/∂x_t, (T, R, I), from ∂L/∂ of the projected input, (T, R, P)."""
        with torch.enable_grad():
            cotangents = rows.size(1) // self.x.size(1)
            x = self.x.repeat(1, cotangents, 1).requires_grad_()
            (pulled,) = torch.autograd.grad(self.cell.repeated(cotangents).project(x), x, rows)
        return pulled


@dataclass(frozen=True, eq=False)
class Folded:
    """A trace folded into the phases of its delays, repeated for each cotangent: K steps of R·g rows."""

    cell: Cell  # of one phase
    projected: Tensor  # (K, R·g, P)
    line: Tensor  # (D + K, R·g, S): the states, parts side by side, and the D before the first


def _fold(trace: Trace, steps: int, cotangents: int) -> Folded:
    g, fill = trace.cell.common_step, -steps % trace.cell.common_step

    def fold(sequence: Tensor) -> Tensor:
        filled = torch.cat((sequence, sequence.new_zeros(fill, *sequence.shape[1:])))
        return to_phases(filled.repeat(1, cotangents, 1), g)

    line = fold(torch.cat(trace.line, -1)[: trace.initial[0].size(0) + steps])
    return Folded(trace.cell.phase().repeated(g * cotangents), fold(trace.cell.project(trace.x[:steps])), line)


def _sweep(done: Folded, direct: Scaled) -> tuple[Scaled, Scaled, Scaled]:
    """Return the adjoints of the states, of the projected input, and of the D states before the first."""
    pending = torch.zeros_like(done.line[: done.cell.depth])  # what later steps hand to the D before
    scale = pending.new_full(pending.shape[1:2], -torch.inf)
    found: list[list[Scaled]] = []
    last, length = len(done.projected), CHUNK
    while last:
        chunk = slice(max(0, last - length), last)
        carried = pending.abs().amax((0, 2)).log() + finite(scale)
        new_scale = torch.maximum(carried, direct.log[chunk].amax(0))
        rescaled = pending * change_of_scale(scale, new_scale).unsqueeze(-1)
        *parts, handed_on = _chunk_adjoint(done, chunk, direct[chunk].relative_to(new_scale), rescaled)
        if last - chunk.start > 1 and not is_safe(parts[0]):
            length = (last - chunk.start + 1) // 2
            continue
        found.insert(0, [Scaled.of(part, finite(new_scale)) for part in parts])
        pending, scale, last, length = handed_on, new_scale, chunk.start, CHUNK
    state, pre = (Scaled.cat(parts) for parts in zip(*found, strict=True))
    return state, pre, Scaled.of(pending, finite(scale))


def _chunk_adjoint(done: Folded, chunk: slice, direct: Tensor, pending: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Go back over a chunk of k steps, with what reaches its states directly, (k, R, P·H), and through later steps.

    Args:
        pending: what the steps after the chunk hand back to the D states before them, (D, R, P·H).

    Returns:
        The adjoints of the chunk's states and of its projected inputs, and what is now pending for the D states
        before it.
    """
    depth = done.cell.depth
    widths = list(done.cell.widths)
    parts = len(widths)
    with torch.enable_grad():
        before = done.line[chunk.start : chunk.start + depth].detach().requires_grad_()
        projected = done.projected[chunk].detach().requires_grad_()
        history = History(torch.split(before, widths, -1))
        for step in projected.unbind(0):
            history.append(tuple(map(_variable, done.cell.step(step, history))))
        nodes = [torch.cat(history.at(k), -1) for k in range(len(projected))]
        reached = torch.cat((before, torch.stack(nodes)))
        # The D newest of these states are the ones that later steps read.
        cotangent = torch.cat((torch.zeros_like(pending), direct))
        cotangent[-depth:] += pending
        states = [part for k in range(len(projected)) for part in history.at(k)]
        to_past, to_input, *to_states = torch.autograd.grad(
            reached, [before, projected, *states], cotangent, materialize_grads=True
        )
    rows = [torch.cat(to_states[n : n + parts], -1) for n in range(0, len(to_states), parts)]
    return torch.stack(rows), to_input, to_past


def _variable(part: Tensor) -> Tensor:
    """Return a part of a state as a variable of its own: c_t's derivative then leaves out its way through h_t."""
    return part.view_as(part) if part.requires_grad else part.detach().requires_grad_()


def _random_state(like: Tensor) -> Tensor:
    return torch.cuda.get_rng_state(like.device) if like.is_cuda else torch.get_rng_state()


def _fold_scaled(x: Scaled, g: int) -> Scaled:
    x = x.extended(len(x.log) + -len(x.log) % g)
    return Scaled(to_phases(x.value, g), to_phases(x.log.unsqueeze(-1), g).squeeze(-1))


def _unfold(x: Scaled, g: int, steps: int) -> Scaled:
    log = from_phases(x.log.unsqueeze(-1), g).squeeze(-1)
    return Scaled(from_phases(x.value, g)[:steps], log[:steps])

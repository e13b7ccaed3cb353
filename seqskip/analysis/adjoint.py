"""Back-propagation through time that cannot underflow, one layer at a time.

Plain autograd goes back over CHUNK steps at a time in float64; between chunks the adjoints that are still to be
handed on are divided by their largest entry, row by row, and the log of the divisor is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.analysis.scaled import Scaled, finite
from seqskip.cells import Cell
from seqskip.delays import common_step
from seqskip.engines.fold import from_phases, phase_cell, to_phases
from seqskip.history import History
from seqskip.scan import unroll
from seqskip.stack import Block

CHUNK = 16  # float64 holds factors from 1e-19 to 1e19 per step over so many steps


@dataclass(frozen=True, eq=False)
class Trace:
    """What one layer did on a sequence, folded into the phases of its delays; all numbers float64."""

    block: Block
    x: Tensor  # (T, B, I)
    cell: Cell  # of one phase
    projected: Tensor  # (K, R, G·H): K steps of a phase, R = g·B rows
    states: Tensor  # (D + K, R, P·H): the D initial states and those of the K steps, P parts side by side


@torch.no_grad()
def trace(block: Block, x: Tensor) -> tuple[Trace, Tensor]:
    """Run a layer from zero states in its own dtype; return what it did and its output, (T, B, H)."""
    g, steps = common_step(block.forward.cell.delays), x.size(0)
    # Steps filled in after the end change nothing before it.
    folded = to_phases(torch.cat((x, x.new_zeros(-steps % g, *x.shape[1:]))), g)
    cell = phase_cell(block.forward.cell)
    parts, depth = len(cell.state_names), max(cell.delays)
    history = unroll(cell, folded, (x.new_zeros(depth, folded.size(1), cell.hidden_size),) * parts)
    states = torch.cat([history.since_start(part) for part in range(parts)], -1)
    output = from_phases(history.since_start(part=0), g)[:steps]
    _demand_finite(output)
    initial = states.new_zeros(depth, *states.shape[1:])
    cell = _in_float64(cell)
    done = Trace(block, x, cell, cell.project(folded.double()), torch.cat((initial, states)).double())
    return done, output if block.shortcut is None else output + block.shortcut(x)


def adjoint(done: Trace, output: Scaled) -> tuple[Scaled, Scaled]:
    """Pull ∂L/∂z of a layer's output z, (T, B, H), back through time and through the layer.

    Returns:
        ∂L/∂s_t of the layer's state s = h or (h, c), (T, B, P·H) for P parts, over all paths, h and c being
        independent variables; and ∂L/∂x_t of its input, (T, B, I).
    """
    block, x = done.block, done.x
    g, steps = common_step(block.forward.cell.delays), x.size(0)
    state, projected = (_unfold(part, g, steps) for part in _sweep(done, _fold(output, g)))
    through = projected.map(lambda dp: _pull(_in_float64(block.forward.cell).project, x.double(), dp))
    shortcut = block.shortcut
    if shortcut is None:
        return state, through
    return state, through + output.map(lambda dz: _pull(shortcut, x, dz.to(x.dtype)))


def _sweep(done: Trace, output: Scaled) -> tuple[Scaled, Scaled]:
    """λ_t = ∂L/∂s_t = (direct part) + Σ_d (∂s_{t+d}/∂s_t)ᵀ λ_{t+d}, from the last step to the first."""
    (steps, rows, size), depth = output.value.shape, max(done.cell.delays)
    scale = output.log.new_full((rows,), -torch.inf)
    pending = output.value.new_zeros(depth, rows, done.states.size(-1))  # what later steps hand to the D before
    state, projected, scales = [], [], []
    for start in reversed(range(0, steps, CHUNK)):
        chunk = slice(start, min(start + CHUNK, steps))
        incoming = Scaled(output.value[chunk], output.log[chunk])
        carried = pending.abs().amax((0, 2)).log() + finite(scale)
        new_scale = torch.maximum(carried, incoming.log.amax(0))
        pending = pending * (finite(scale) - finite(new_scale)).exp().unsqueeze(-1)
        scale = new_scale
        direct = torch.zeros_like(done.states[: chunk.stop - start])
        direct[..., :size] = incoming.relative_to(scale)
        to_state, to_input, pending = _chunk_adjoint(done, chunk, direct, pending)
        state.append(to_state)
        projected.append(to_input)
        scales.append(scale.expand(chunk.stop - start, rows))
    log = torch.cat(scales[::-1])
    return Scaled.of(torch.cat(state[::-1]), finite(log)), Scaled.of(torch.cat(projected[::-1]), finite(log))


def _chunk_adjoint(done: Trace, chunk: slice, direct: Tensor, pending: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Go back over a chunk of k steps, with what reaches its states directly, (k, R, P·H), and through later steps.

    Args:
        pending: what the steps after the chunk hand back to the D states before them, (D, R, P·H).

    Returns:
        The adjoints of the chunk's states and of its projected inputs, and what is now pending for the D states
        before it.
    """
    parts, depth = len(done.cell.state_names), max(done.cell.delays)
    with torch.enable_grad():
        before = done.states[chunk.start : chunk.start + depth].detach().requires_grad_()
        projected = done.projected[chunk].detach().requires_grad_()
        history = History(before.chunk(parts, -1))
        for step in projected.unbind(0):
            # A view makes h_t and c_t variables of their own: c_t's derivative then leaves out its way through h_t.
            history.append(tuple(part.view_as(part) for part in done.cell.step(step, history)))
        nodes = [torch.cat(history.at(k), -1) for k in range(len(projected))]
        reached = torch.cat((before, torch.stack(nodes)))
        # The D newest of these states are the ones that later steps read.
        cotangent = torch.cat((torch.zeros_like(pending), direct))
        cotangent[-depth:] += pending
        states = [part for k in range(len(projected)) for part in history.at(k)]
        to_past, to_input, *to_states = torch.autograd.grad(reached, [before, projected, *states], cotangent)
    rows = [torch.cat(to_states[n : n + parts], -1) for n in range(0, len(to_states), parts)]
    return torch.stack(rows), to_input, to_past


def _pull(function: Callable[[Tensor], Tensor], x: Tensor, cotangent: Tensor) -> Tensor:
    """Return the product of a cotangent with the Jacobian of a function that acts on each row alone."""
    with torch.enable_grad():
        leaf = x.detach().requires_grad_()
        (pulled,) = torch.autograd.grad(function(leaf), leaf, cotangent)
    return pulled


def _in_float64(cell: Cell) -> Cell:
    return cell.with_weights(lambda weight: weight.detach().double())


def _fold(x: Scaled, g: int) -> Scaled:
    fill, rows = -x.value.size(0) % g, x.value.size(1)
    value = torch.cat((x.value, x.value.new_zeros(fill, *x.value.shape[1:])))
    log = torch.cat((x.log, x.log.new_full((fill, rows), -torch.inf)))
    return Scaled(to_phases(value, g), to_phases(log.unsqueeze(-1), g).squeeze(-1))


def _unfold(x: Scaled, g: int, steps: int) -> Scaled:
    log = from_phases(x.log.unsqueeze(-1), g).squeeze(-1)
    return Scaled(from_phases(x.value, g)[:steps], log[:steps])


def _demand_finite(output: Tensor) -> None:
    bad = ~output.isfinite()
    if bool(bad.any()):
        step = int(bad.flatten(1).any(1).nonzero()[0])
        raise ValueError(f"states must be finite to measure their gradient, got NaN or inf from time step {step} on")

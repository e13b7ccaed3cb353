"""Gradients with respect to every state by plain autograd: one graph over the whole sequence, nothing rescaled."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from seqskip import SequenceModel
from seqskip.directions import Taps
from seqskip.history import State
from seqskip.layouts import TimeMajor
from seqskip.recurrent import Recurrent
from seqskip.stack import Block, split_state

Loss = Callable[[Tensor], Tensor]


@dataclass
class Nodes:
    """The nodes of the graph, [layer][time step]."""

    hidden: list[list[Tensor]] = field(default_factory=list)  # h_t, whose .grad is ∂L/∂h_t over all paths
    # Zeros added to h_t and c_t after both are made: their gradient holds the other part fixed (the pair-state
    # convention), where c_t.grad would also count the path c_t → h_t.
    added: list[list[State]] = field(default_factory=list)
    made: list[list[State]] = field(default_factory=list)  # the states, those zeros in
    # The same for x_t, as the layer and its shortcut read it, and for the projected input.
    inputs: list[list[Tensor]] = field(default_factory=list)
    projected: list[list[Tensor]] = field(default_factory=list)


def one_layer(block: Block, start: State, x: Tensor, nodes: Nodes) -> Tensor:
    cell, past = block.forward.cell, []
    states: list[State] = list(zip(*(part.unbind(0) for part in start[: len(cell.widths)]), strict=True))
    hidden, added, projected = [], [], []
    inputs = [torch.zeros_like(x_t).requires_grad_() for x_t in x]
    x = torch.stack([x_t + zeros for x_t, zeros in zip(x, inputs, strict=True)])
    for read in block.read(x):
        past.append(read)
        reached = cell.project(tapped(past, block.forward.taps))
        projected.append(torch.zeros_like(reached).requires_grad_())
        made = cell.step(reached + projected[-1], {d: states[-d] for d in cell.edges})
        made[0].retain_grad()
        extra = tuple(torch.zeros_like(part).requires_grad_() for part in made)
        states.append(tuple(part + zeros for part, zeros in zip(made, extra, strict=True)))
        hidden.append(made[0])
        added.append(extra)
    nodes.hidden.append(hidden)
    nodes.added.append(added)
    nodes.made.append(states[-len(x) :])
    nodes.inputs.append(inputs)
    nodes.projected.append(projected)
    return block.answer(x, torch.stack([state[0] for state in states[-len(x) :]]))


def all_layers(core: Recurrent, blocks: Sequence[Block], z: Tensor, nodes: Nodes) -> Tensor:
    """Run the layers from the state that they start from; taps from zeros."""
    start = core._initial_state(z, None, TimeMajor(z))
    for block, (line,) in zip(blocks, split_state(blocks, start), strict=True):
        z = one_layer(block, line, z, nodes)
    return z


def tapped(past: list[Tensor], taps: Taps | None) -> Tensor:
    """Return what a layer reads at the newest step of what came in so far, zeros before."""
    if taps is None:
        return past[-1]
    return torch.cat([past[-1 - d] if d < len(past) else torch.zeros_like(past[-1]) for d in taps.delays], -1)


def log_norms(
    model: Recurrent | SequenceModel,
    x: Tensor,
    at: int,
    wrt: str,
    loss: Loss = torch.sum,
    blocks: Sequence[Block] | None = None,
) -> Tensor:
    """Return log‖∂L/∂s_{T-n}‖, (L, B, N), of a loss of the answer at step T = `at` >= 0; x as the model reads it.

    Args:
        blocks: the layers as they run in training, with what is drawn once for a call; by default as they are.
    """
    core = model if isinstance(model, Recurrent) else model.core
    z = x if isinstance(model, Recurrent) else model.encode(x)
    z = z.transpose(0, 1) if core.batch_first else z
    nodes = Nodes()
    z = all_layers(core, blocks or core.blocks(), z, nodes)
    read = z[at] if isinstance(model, Recurrent) else model.head(torch.cat(list(z[at + 1 - model.window : at + 1]), -1))
    loss(read).backward()
    layers = [[_gradient(nodes, n, t, wrt) for t in range(at, -1, -1)] for n in range(core.num_layers)]
    return torch.stack([torch.stack(lags, -1) for lags in layers]).log()


def _gradient(nodes: Nodes, n: int, t: int, wrt: str) -> Tensor:
    h, added = nodes.hidden[n][t], nodes.added[n][t]
    if wrt in ("h", "pre", "x"):
        return _grad({"h": h, "pre": nodes.projected[n][t], "x": nodes.inputs[n][t]}[wrt]).norm(dim=-1)
    return torch.cat([_grad(part) for part in (added[1:2] if wrt == "c" else added)], -1).norm(dim=-1)


def _grad(node: Tensor) -> Tensor:
    return torch.zeros_like(node) if node.grad is None else node.grad

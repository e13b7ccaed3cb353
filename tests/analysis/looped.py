"""A model's twin for plain autograd: each recurrent layer a loop over cells that keeps a node for every state."""

import copy
import functools
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.recurrent import Recurrent
from seqskip.stack import join_state, split_state
from seqskip.taps import tapped
from tests.strategies import as_parts

Parts = tuple[Tensor, ...]
TORCH_CELLS: dict[str, Callable[..., Any]] = {
    "RNN_TANH": torch.rnn_tanh_cell,
    "RNN_RELU": torch.rnn_relu_cell,
    "LSTM": torch.lstm_cell,
    "GRU": torch.gru_cell,
}


class Nodes:
    """Zeros added to every state once it is made: their gradient holds the other part fixed (the pair-state)."""

    def __init__(self) -> None:
        self.of: dict[tuple[str, int], list[Parts]] = {}  # by the name of the module and its layer

    def add(self, name: str, layer: int, state: Parts) -> Parts:
        zeros = tuple(torch.zeros_like(part).requires_grad_() for part in state)
        self.of.setdefault((name, layer), []).append(zeros)
        return tuple(part + zero for part, zero in zip(state, zeros, strict=True))

    def gradients(self, loss: Tensor) -> list[Tensor]:
        """Return ∂L/∂s_t of each layer in the order of its first step, (T, B, P·H)."""
        flat = [zero for steps in self.of.values() for parts in steps for zero in parts]
        found = dict(zip(map(id, flat), torch.autograd.grad(loss, flat, allow_unused=True), strict=True))

        def gradient(zero: Tensor) -> Tensor:
            return torch.zeros_like(zero) if found[id(zero)] is None else found[id(zero)]

        return [
            torch.stack([torch.cat([gradient(zero) for zero in parts], -1) for parts in steps])
            for steps in self.of.values()
        ]


def twin(model: nn.Module, nodes: Nodes) -> nn.Module:
    """Return a copy whose recurrent layers are loops; dropout between layers is left out."""
    copied = copy.deepcopy(model)
    inside = {
        id(part) for one in copied.modules() if isinstance(one, Recurrent) for part in one.modules() if part is not one
    }
    for name, module in copied.named_modules():
        if id(module) in inside:
            continue  # a part of a layer's step
        if isinstance(module, Recurrent):
            module.run = functools.partial(_run, nodes, name, module)  # type: ignore[method-assign]
        elif isinstance(module, nn.RNNBase):
            module.forward = functools.partial(_layers, nodes, name, module)  # type: ignore[method-assign,assignment]
        elif isinstance(module, nn.RNNCellBase):
            module.forward = functools.partial(_cell, nodes, name, module)  # type: ignore[method-assign,assignment]
    return copied


def _run(nodes: Nodes, name: str, core: Recurrent, z: Tensor, initial: Parts, lengths: object) -> tuple[Tensor, Parts]:
    blocks, finals = core.blocks(), []
    for layer, (block, (line,)) in enumerate(zip(blocks, split_state(blocks, initial), strict=True)):
        cell, read = block.forward.cell, block.read(z)
        states = list(zip(*(part.unbind(0) for part in line[: len(cell.widths)]), strict=True))
        if block.forward.taps is None:
            reached, held = read, ()
        else:
            reached, *held = tapped(read, line[-1], block.forward.taps.delays, None)
        for x_t in reached:
            past = {d: states[-d] for d in cell.edges}
            states.append(nodes.add(name, layer, cell.step(cell.project(x_t), past)))
        finals.append((*(torch.stack(part) for part in zip(*states[-cell.depth :], strict=True)), *held))
        z = block.answer(z, torch.stack([state[0] for state in states[cell.depth :]]))
    return z, join_state(finals)


def _layers(nodes: Nodes, name: str, module: nn.RNNBase, x: Tensor, hx: Any = None) -> tuple[Tensor, Any]:
    z = x.transpose(0, 1) if module.batch_first else x
    shape = (module.num_layers, z.size(1), module.hidden_size)
    given = [z.new_zeros(shape), z.new_zeros(shape)] if hx is None else as_parts(hx)
    finals = []
    for layer in range(module.num_layers):
        weights, states = module.all_weights[layer], [tuple(part[layer] for part in given)]
        for x_t in z:
            states.append(nodes.add(name, layer, _one_step(module.mode, x_t, states[-1], weights)))
        finals.append(states[-1])
        z = torch.stack([state[0] for state in states[1:]])
    parts = tuple(torch.stack(part) for part in zip(*finals, strict=True))
    return (z.transpose(0, 1) if module.batch_first else z), (parts if len(parts) > 1 else parts[0])


def _cell(nodes: Nodes, name: str, module: Any, x: Tensor, hx: Any = None) -> Any:
    if x.dim() == 1:
        made = _cell(nodes, name, module, x[None], None if hx is None else tuple(part[None] for part in as_parts(hx)))
        return tuple(part[0] for part in made) if isinstance(made, tuple) else made[0]
    mode = {nn.LSTMCell: "LSTM", nn.GRUCell: "GRU"}.get(type(module)) or f"RNN_{module.nonlinearity.upper()}"
    zero = x.new_zeros(*x.shape[:-1], module.hidden_size)
    given = (zero, zero) if hx is None else as_parts(hx)
    weights = [module.weight_ih, module.weight_hh, module.bias_ih, module.bias_hh]
    state = nodes.add(name, 0, _one_step(mode, x, given, weights))
    return state if len(state) > 1 else state[0]


def _one_step(mode: str, x: Tensor, state: Parts, weights: Any) -> Parts:
    made = TORCH_CELLS[mode](x, state[:2] if mode == "LSTM" else state[0], *weights)
    return made if isinstance(made, tuple) else (made,)

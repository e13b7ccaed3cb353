"""torchrecurrent, if it is installed: a library of published cells, run by a Python loop over time."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.benchmark.cases import Case
from seqskip.benchmark.contender import Contender, ModuleRunner
from seqskip.benchmark.problem import Problem


def _as_rnn(package: Any, sizes: tuple[int, ...]) -> nn.Module:
    """FastRNN, h_t = σ(α) tanh(a_t) + σ(β) h_{t-1}, with σ(α) = 1 and σ(β) = 0."""
    return _fixed(package.FastRNN(*sizes, alpha_init=1e4, beta_init=-1e4), "alpha", "beta")


def _as_lstm(package: Any, sizes: tuple[int, ...]) -> nn.Module:
    """PeepholeLSTM without its peepholes."""
    return _fixed(package.PeepholeLSTM(*sizes, peephole_kernel_init=nn.init.zeros_), "weight_ph")


# It has no GRU, nor plain layers of the other two; these two become them.
_LAYERS: dict[str, Callable[[Any, tuple[int, ...]], nn.Module]] = {"RNN": _as_rnn, "LSTM": _as_lstm}


def _fixed(layer: nn.Module, *names: str) -> nn.Module:
    for name in names:
        layer.get_parameter(f"cells.0.{name}").requires_grad_(False)
    return layer


class CellRunner(ModuleRunner):
    """A torchrecurrent layer, and its cell for single steps."""

    def move(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        state = self.module.get_submodule("cells.0")(x, state)
        return (state[0] if isinstance(state, tuple) else state), state


class TorchRecurrent(Contender):
    """The layers of torchrecurrent that can be set to be torch.nn's; it has none with delays on them."""

    name = "torchrecurrent"

    def applies(self, case: Case) -> bool:
        return case.layer in _LAYERS and not case.has_skips

    def build(self, problem: Problem) -> CellRunner:
        layer = _LAYERS[problem.case.layer](import_module("torchrecurrent"), problem.case.shape[2:])
        layer = layer.to(problem.x.dtype)
        ours = {f"cells.0.{name.removesuffix('_l0')}": weight for name, weight in problem.weights.items()}
        layer.load_state_dict(ours, strict=False)
        with torch.no_grad():
            return CellRunner(problem, layer, [layer.get_parameter(name) for name in ours])

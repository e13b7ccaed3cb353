"""The contenders that need torch alone: seqskip's engines, torch.nn, and torch.nn with time folded into the batch."""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from seqskip.benchmark.cases import Case
from seqskip.benchmark.contender import Contender, ModuleRunner
from seqskip.benchmark.problem import Problem, layer_of
from seqskip.engines import ENGINES
from seqskip.engines.native import obstacle
from seqskip.recurrent import Recurrent

LONG = 500  # time steps from which the reference is left out unless it is asked for


class LayerRunner(ModuleRunner):
    """A seqskip layer."""

    module: Recurrent

    def move(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        return self.module.step(x, state)


class Engine(Contender):
    """A seqskip layer on one engine, or on the one that "auto" picks."""

    def __init__(self, backend: str, longest: float = float("inf")):
        self.name, self.backend, self.longest = f"seqskip {backend}", backend, longest

    def applies(self, case: Case) -> bool:
        return case.shape[1] < self.longest

    def build(self, problem: Problem) -> LayerRunner:
        if self.backend == "native" and (missing := obstacle(problem.x.device, problem.x.dtype)):
            raise ValueError(missing)
        layer = layer_of(problem.case, self.backend, problem.x.dtype)
        layer.load_state_dict(problem.weights)
        return LayerRunner(problem, layer, list(layer.parameters()))


class NNRunner(ModuleRunner):
    """torch.nn's layer for sequences, and for single steps its cell, which is faster there."""

    def __init__(self, problem: Problem, weights: dict[str, Tensor]):
        layer, sizes, dtype = problem.case.layer, problem.case.shape[2:], problem.x.dtype
        module = getattr(nn, layer)(*sizes, dtype=dtype)
        module.load_state_dict(weights)
        super().__init__(problem, module, list(module.parameters()))
        self.cell = getattr(nn, f"{layer}Cell")(*sizes, dtype=dtype)
        self.cell.load_state_dict({name.removesuffix("_l0"): weight for name, weight in weights.items()})

    def move(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        state = self.cell(x, state)
        return (state[0] if isinstance(state, tuple) else state), state


class TorchNN(Contender):
    """torch.nn's layer without skips: the yardstick, which has nothing to set against a delay."""

    name = "torch.nn"

    def same_recurrence(self, case: Case) -> bool:
        return not case.has_skips

    def build(self, problem: Problem) -> NNRunner:
        return NNRunner(problem, problem.without_skips())


class FoldedRunner(NNRunner):
    """torch.nn's layer on T/d steps of a batch d times as wide, T padded with zeros to a multiple of d."""

    def output(self) -> Tensor:
        (d,), (steps, batch, inputs) = self.problem.case.delays, self.x.shape
        x = F.pad(self.x, (0, 0, 0, 0, 0, -steps % d)).reshape(-1, d * batch, inputs)
        output: Tensor = self.module(x)[0]
        return output.reshape(-1, batch, output.size(-1))[:steps]

    def stream(self) -> None:
        return None  # the layer of one phase knows no single steps of the whole


class FoldedNN(Contender):
    """The public way to run dilated layers fast, that of Chang et al. (2017, arXiv 1710.02224), on torch.nn."""

    name = "torch.nn folded"

    def applies(self, case: Case) -> bool:
        return case.is_dilated

    def build(self, problem: Problem) -> FoldedRunner:
        return FoldedRunner(problem, problem.weights)


def engines(*, everything: bool) -> list[Contender]:
    """Return seqskip with backend="auto" and on every engine; the slow reference on long sequences if asked for."""
    longest = {} if everything else {"reference": LONG}
    return [Engine(name, longest.get(name, float("inf"))) for name in ("auto", *ENGINES)]

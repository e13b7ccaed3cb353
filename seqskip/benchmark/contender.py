"""What takes part in a measurement: how it is called, what it can run, and how its answers are read."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from itertools import cycle
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.benchmark.cases import Case
from seqskip.benchmark.problem import Problem

Step = Callable[[], Any]  # moves a stream of one sample on by one time step and returns h_t, (1, H)


class Runner(ABC):
    """One contender with the weights and the input of one problem, ready to be called again and again."""

    @abstractmethod
    def train(self) -> Sequence[Any]:
        """Run a training step: output (T, B, H), the gradients of all weights, that of the input if asked for."""

    @abstractmethod
    def infer(self) -> Any:
        """Return the output (T, B, H), without keeping what gradients need."""

    def stream(self) -> Step | None:
        """Start a stream at a zero state on the first sample; None if there is no way to run single steps."""
        return None


class Contender(ABC):
    """A way to run recurrent layers.

    `build` raises ImportError where its package is not installed, and ValueError where it cannot run the case.
    """

    name: str

    @abstractmethod
    def build(self, problem: Problem) -> Runner:
        """Return a runner of this problem."""

    def applies(self, case: Case) -> bool:
        """Return whether the case is one for this contender at all."""
        return True

    def same_recurrence(self, case: Case) -> bool:
        """Return whether its answer must be that of the seqskip layer."""
        return True


class ModuleRunner(Runner):
    """A torch module that maps (T, B, I) to its output and a state."""

    def __init__(self, problem: Problem, module: nn.Module, weights: Sequence[Tensor]):
        self.problem, self.module = problem, module
        self.x = problem.x.clone().requires_grad_(problem.case.input_grad)
        self.wanted = [*weights, *([self.x] if problem.case.input_grad else [])]

    def output(self) -> Tensor:
        """Return the output (T, B, H)."""
        output: Tensor = self.module(self.x)[0]
        return output

    def train(self) -> Sequence[Tensor]:
        output = self.output()
        return [output, *torch.autograd.grad(output, self.wanted, self.problem.upstream)]

    @torch.no_grad()
    def infer(self) -> Tensor:
        return self.output()

    def stream(self) -> Step | None:
        inputs, state = cycle(self.problem.x[:, :1].unbind(0)), None

        @torch.no_grad()
        def step() -> Tensor:
            nonlocal state
            h, state = self.move(next(inputs), state)
            return h

        return step

    @abstractmethod
    def move(self, x: Tensor, state: Any) -> tuple[Tensor, Any]:
        """Run one time step: x (1, I) and the state to h (1, H) and the next state; None is the zero state."""

"""Whether a contender computes what it is measured for: against the slow reference in float64."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqskip.benchmark.contender import Runner
from seqskip.benchmark.contenders import Engine
from seqskip.benchmark.problem import Problem

CHECKED_STEPS = 1000  # time steps of longer sequences on which the contenders are compared
STREAMED_STEPS = 64  # single steps at most
TOLERANCE = {"float32": 1e-3, "float64": 1e-9}

Answer = list[Tensor]  # outputs and gradients of the weights (and the input), output without grad, single steps


def answer(runner: Runner, problem: Problem) -> Answer:
    """Return everything a runner computes, in float64; a stream until all delays are in use, if it has one, last."""
    values = [*runner.train(), runner.infer()]
    step = runner.stream()
    if step is not None:
        values.append(torch.stack([_tensor(step()) for _ in range(min(max(problem.case.delays) + 2, STREAMED_STEPS))]))
    return [_tensor(value) for value in values]


def truth(problem: Problem) -> Answer:
    """Return the answer of the reference in float64."""
    return answer(Engine("reference").build(problem.doubled()), problem)


def worst_error(given: Answer, true: Answer) -> float:
    """Return the largest of max|a - b| / max|b| over all parts of an answer; infinite where shapes differ.

    An answer without single steps is one part shorter than the truth.
    """
    return max(_error(a, b) for a, b in zip(given, true, strict=False))


def _error(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape or not bool(a.isfinite().all()):
        return float("inf")
    return float((a - b).abs().max() / b.abs().max())


def _tensor(value: Any) -> Tensor:
    array = value.detach() if isinstance(value, Tensor) else np.asarray(value)
    return torch.as_tensor(array).double()

"""The shares α that delayed states have in their sum, and what becomes of the gradient of that sum."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.cells.base import average
from seqskip.engines.bptt.problem import Line, Problem, Tape
from seqskip.engines.bptt.rows import Rows


@dataclass(frozen=True, eq=False)
class Shares:
    """α of the K delayed states of each row; equal ones unless there is `each`."""

    rows: Rows
    each: Tensor | None  # (R + D·W, K, 1) of a gate, (R + D·W, K, H) the same in all rows where they are learned

    @classmethod
    def of(cls, problem: Problem, tape: Tape) -> "Shares":
        """Return those of a problem: the tape has a gate's, as far as they are known."""
        rows = problem.rows
        each = None if tape.shares is None else tape.shares.unsqueeze(2)
        if problem.shares is not None:
            each = problem.shares.expand(problem.x.size(0) + rows.depth * rows.width, -1, -1)
        return cls(rows, each)

    def at(self, rows: slice) -> list[Tensor] | None:
        """Return for each delay what share the state a delay before some rows has in their sum."""
        return None if self.each is None else list(self.each[rows].unbind(1))

    def later(self, rows: slice) -> list[Tensor] | None:
        """Return for each delay what share the states of some rows have in the sum a delay later."""
        if self.each is None:
            return None
        shifts = [lag * self.rows.width for lag in self.rows.lags]
        return [self.each[rows.start + shift : rows.stop + shift, n] for n, shift in enumerate(shifts)]


def blend(parts: Sequence[Tensor], shares: Sequence[Tensor] | None) -> Tensor:
    """Return Σ_k α_k s_k, or the mean."""
    if shares is None or len(parts) == 1:
        return average(parts)
    total = parts[0] * shares[0]
    for part, share in zip(parts[1:], shares[1:], strict=True):
        total.addcmul_(part, share)
    return total


def products(lines: Sequence[Line], dm: Tensor, kept: Tensor | None, step: int) -> list[Tensor]:
    """Return for each delay what ∂L/∂α is the sum of, over the units or over the rows, (N, H), N rows from a step on.

    Args:
        lines: h, or h and c.
        dm: ∂L/∂ of the sum that the matrix multiplies, (N, H).
        kept: the same of the sum that the gates carry on, that of the last line.
        step: the step of the first row.
    """
    rows = lines[0].rows
    steps, found = -(-len(dm) // rows.width), []
    for lag in rows.lags:
        found.append(dm * lines[0](step - lag, step - lag + steps)[: len(dm)])
        if kept is not None:
            found[-1].addcmul_(kept, lines[-1](step - lag, step - lag + steps)[: len(dm)])
    return found


def softmax_backward(shares: Tensor, grad: Tensor) -> Tensor:
    """Return ∂L/∂ of the logits of shares, (N, K)."""
    weighed = shares * grad
    return torch.addcmul(weighed, shares, weighed.sum(1, keepdim=True), value=-1)

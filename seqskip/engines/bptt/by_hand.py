"""The sweeps in torch operations: any device, any floating-point type.

A block of min(edges) steps does not depend on itself, and the term of a delay d is known d steps ahead: each is
one matrix product over as many steps as that allows.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor

from seqskip.cells.base import average
from seqskip.engines.bptt.problem import Flow, Gate, Line, Problem, Tape
from seqskip.engines.bptt.shares import Shares, blend, products, softmax_backward


class ByHand(ABC):
    """One recurrence over the rows of a problem, forward and backward."""

    def __init__(self, problem: Problem, tape: Tape):
        self.problem, self.tape = problem, tape
        self.rows, self.layout = problem.rows, problem.layout
        self.lags, self.block = self.rows.lags, self.rows.block
        self.lines = problem.states(tape)
        self.shares = Shares.of(problem, tape)
        self.padding = problem.padding()
        self.terms = tuple(self._terms())

    def forward(self) -> None:
        """Write the states of all steps, and the gates where the tape keeps them."""
        length = (
            self.rows.steps
            if self.tape.gates is not None or not self.layout.kept
            else self.rows.segment(self.problem.gate_bytes)
        )
        if self.problem.gate is not None and self.tape.shares is not None:
            self._logits(self.problem.gate, self.tape.shares[: len(self.problem.x)])
        for first in range(0, self.rows.steps, length):
            last = min(first + length, self.rows.steps)
            self._run(first, last, self._projected(self.rows.of(first, last)))

    def _logits(self, gate: Gate, shares: Tensor) -> None:
        """Write A x + e where the shares will be written over it."""
        shares.copy_(torch.addmm(gate.bias, self.problem.x, gate.weight_ih.t()))

    def _projected(self, rows: slice) -> Tensor:
        """Return W x + b of some rows where the gates, or the states, will be written over it."""
        hidden, problem = self.problem.hidden, self.problem
        if not self.layout.kept:
            a = self.tape.h[rows]
        elif self.tape.gates is not None:
            a = self.tape.gates[rows]
        else:
            a = problem.x.new_empty(rows.stop - rows.start, self.layout.blocks * hidden)
        a.zero_() if problem.bias is None else a.copy_(problem.bias.expand_as(a))
        a[:, self.layout.input_columns(hidden)].addmm_(problem.x[rows], problem.weight_ih.t())
        return a

    def _run(self, first: int, last: int, a: Tensor) -> None:
        """Run the steps first to last - 1 over their projected input a, (N, blocks·H)."""
        start = self.rows.of(first, last).start
        past = self.layout.past_columns(self.problem.hidden)
        for step in range(first, last, self.block):
            self._share(step)
            for end, term, matrix in self._delayed(step, first, last):
                rows = self.rows.of(step, end)
                a[rows.start - start : rows.stop - start, past].addmm_(term[: rows.stop - rows.start], matrix.t())
            rows = self.rows.of(step, min(step + self.block, last))
            self.activate(a[rows.start - start : rows.stop - start], step, rows)
            self._silence(rows)

    def _delayed(self, step: int, first: int, last: int) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Yield the recurrent terms that are to be added at a step: up to where, the states, their matrix."""
        for span, lags, matrix in self.terms:
            if (step - first) % span == 0:
                end = min(step + span, last)
                yield end, self._blended(self.lines[0], step, self.rows.of(step, end), lags), matrix

    def _share(self, step: int) -> None:
        """Find the shares of a gate at a step."""
        if self.problem.gate is not None and self.tape.shares is not None:
            logits = self.tape.shares[self.rows.of(step, step + 1)]
            logits.addmm_(self.lines[0](step - 1, step), self.problem.gate.weight_hh.t())
            logits.copy_(logits.softmax(1))

    def carried(self, line: Line, step: int, rows: slice) -> Tensor:
        """Return the sum of the delayed states of some rows, the first of which is the first of a step."""
        return self._blended(line, step, rows, self.lags)

    def _blended(self, line: Line, step: int, rows: slice, lags: tuple[int, ...]) -> Tensor:
        count = rows.stop - rows.start
        steps = -(-count // self.rows.width)
        return blend([line(step - lag, step - lag + steps)[:count] for lag in lags], self.shares.at(rows))

    def _silence(self, rows: slice) -> None:
        if self.padding is not None:
            for line in self.lines:
                line.after[rows].masked_fill_(self.padding[rows], 0)

    def backward(self, flow: Flow) -> None:
        """Fill `flow.da`, and as far as they are there kept, dm and dlogits, for one segment of the sequence."""
        dh, start = self._grad_h(flow), self.rows.of(flow.first, flow.last).start
        self.linearise(flow)
        for end in range(flow.last, flow.first, -self.block):
            rows = self.rows.of(max(flow.first, end - self.block), end)
            local = slice(rows.start - start, rows.stop - start)
            if flow.dm is None:
                self._hand_back(flow, dh, end)
            else:
                self._hand_shares_back(flow, dh[local], rows, local)
            self.differentiate(flow, dh[local], rows, local)
            if self.padding is not None:
                for buffer in (flow.da, flow.kept):
                    if buffer is not None:
                        buffer[local].masked_fill_(self.padding[rows], 0)
            if flow.dm is not None:
                self._divide(flow, rows, local)

    def _divide(self, flow: Flow, rows: slice, local: slice) -> None:
        """Pull ∂L/∂a back to the sum of the delayed states and, of a gate, to the logits of their shares."""
        assert flow.dm is not None
        past, dm = self.layout.past_columns(self.problem.hidden), flow.dm[local]
        torch.mm(flow.da[local, past], self.problem.weight_hh, out=dm)
        if flow.dlogits is not None and self.tape.shares is not None:
            kept = None if flow.kept is None else flow.kept[local]
            each = products(self.lines, dm, kept, rows.start // self.rows.width)
            by_share = torch.stack([one.sum(1) for one in each], 1)
            flow.dlogits[local] = softmax_backward(self.tape.shares[rows], by_share)

    def _hand_shares_back(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        """Add to dh what it has in the sums of later steps, and in the logits of the next one."""
        assert flow.dm is not None
        dh += self._later(flow.dm, rows, local)
        if flow.dlogits is not None and self.problem.gate is not None:
            width = self.rows.width
            dh.addmm_(flow.dlogits[local.start + width : local.stop + width], self.problem.gate.weight_hh)

    def _later(self, buffer: Tensor, rows: slice, local: slice) -> Tensor:
        """Return what the sums of later steps hand back to some rows."""
        shifts = [lag * self.rows.width for lag in self.lags]
        return blend([buffer[local.start + shift : local.stop + shift] for shift in shifts], self.shares.later(rows))

    def _grad_h(self, flow: Flow) -> Tensor:
        """Return a copy of what the loss itself says about h, to which later steps can add."""
        return flow.grad_h.clone() if flow.dh is None else flow.dh.copy_(flow.grad_h)

    def _hand_back(self, flow: Flow, dh: Tensor, end: int) -> None:
        """Add to dh what the later steps hand back through their matrices, as soon as it is known."""
        width, past = self.rows.width, self.layout.past_columns(self.problem.hidden)
        for span, lags, matrix in self.terms:
            if (flow.last - end) % span == 0:
                at = (max(flow.first, end - span) - flow.first) * width
                target = dh[at : (end - flow.first) * width]
                later = [flow.da[at + lag * width : at + lag * width + target.size(0), past] for lag in lags]
                target.addmm_(average(later), matrix)

    def gates(self, rows: slice) -> tuple[Tensor, ...]:
        """Return the four blocks of the tape's gates."""
        assert self.tape.gates is not None
        return self.tape.gates[rows].chunk(4, -1)

    def kept(self, flow: Flow, rows: slice, local: slice) -> tuple[Tensor, Tensor]:
        """Return what the gates of the later steps hand back to some rows, and where these write their own."""
        assert flow.kept is not None
        return self._later(flow.kept, rows, local), flow.kept[local]

    def _terms(self) -> Iterator[tuple[int, tuple[int, ...], Tensor]]:
        """Yield, for each recurrent matrix, how many steps its product may take at once, its lags, and itself."""
        if self.problem.combine != "sum":
            yield self.block, self.lags, self.problem.weight_hh
            return
        for lag, matrix in zip(self.lags, self.problem.matrices, strict=True):
            yield lag // self.block * self.block, (lag,), matrix

    @abstractmethod
    def activate(self, a: Tensor, step: int, rows: slice) -> None:
        """Turn pre-activations into gates, in place, and write the states of some rows from `step` on."""

    def linearise(self, flow: Flow) -> None:  # noqa: B027, a recurrence may have nothing of the kind
        """Write into `flow.da` what ∂L/∂a is a multiple of: all of it that needs no step to wait for another."""

    @abstractmethod
    def differentiate(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        """Write ∂L/∂a, and what is handed back to the delayed states, of some rows from ∂L/∂h."""

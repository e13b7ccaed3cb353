"""One layer over one sequence, forward and backward, by the sweeps of either engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seqskip.engines.bptt.outer import OuterGradient
from seqskip.engines.bptt.problem import Flow, Gate, Problem, Tape
from seqskip.engines.bptt.shares import Shares, blend, products


class Sweeps(Protocol):
    """The two sweeps over time of one problem."""

    def forward(self) -> None:
        """Write the tape."""

    def backward(self, flow: Flow) -> None:
        """Fill `flow.da`, and as far as they are there kept, dm and dlogits, for one segment of the sequence."""


class MakeSweeps(Protocol):
    """An engine: makes the sweeps of a problem."""

    def __call__(self, problem: Problem, tape: Tape, /) -> Sweeps: ...


def forward(problem: Problem, make: MakeSweeps, keep: bool) -> Tape:
    """Run a layer over its sequence; `keep` what the backward sweep needs."""
    count, hidden, layout = problem.x.size(0), problem.hidden, problem.layout
    h = problem.x.new_empty(count, hidden)
    c = torch.empty_like(h) if layout.parts == 2 else None
    gates = problem.x.new_empty(count, layout.blocks * hidden) if layout.kept and keep else None
    tape = Tape(h, c, gates, _shares(problem))
    make(problem, tape).forward()
    return tape


def _shares(problem: Problem) -> Tensor | None:
    rows, count = problem.rows, problem.x.size(0)
    return None if problem.gate is None else problem.x.new_zeros(count + rows.depth * rows.width, len(rows.lags))


@dataclass(eq=False)
class Gradients:
    """∂L/∂ of all that a problem is made of, in its shapes and its order but for the weights, which are transposed.

    With few input features a CPU computes x.t() @ da up to five times faster than da.t() @ x.
    """

    x: Tensor | None
    weight_ih: Tensor  # (I, G·H)
    weight_hh: Tensor  # (K·H, G·H) or (H, G·H)
    bias: Tensor
    initial: tuple[Tensor, ...]
    gate: Gate | None  # (I, K), (H, K) and (K,)
    shares: Tensor | None  # (K, H)

    @classmethod
    def zeros(cls, problem: Problem, for_input: bool) -> "Gradients":
        """Return sums to add to, and room for ∂L/∂x where it is asked for."""
        return cls(
            torch.empty_like(problem.x) if for_input else None,
            problem.x.new_zeros(problem.weight_ih.shape[::-1]),
            problem.x.new_zeros(problem.weight_hh.shape[::-1]),
            problem.x.new_zeros(problem.layout.blocks * problem.hidden),
            tuple(torch.zeros_like(part) for part in problem.initial),
            None if problem.gate is None else _zeros_of(problem.gate),
            None if problem.shares is None else torch.zeros_like(problem.shares),
        )

    def add(self, problem: Problem, tape: Tape, flow: Flow) -> None:
        """Add what a segment says about the weights, and write ∂L/∂x of its rows."""
        rows, hidden = problem.rows.of(flow.first, flow.last), problem.hidden
        da = flow.da[: rows.stop - rows.start]
        by_input, by_past = (da[:, of(hidden)] for of in (problem.layout.input_columns, problem.layout.past_columns))
        self.weight_ih.addmm_(problem.x[rows].t(), by_input)
        self.bias += da.sum(0)
        for total, terms in zip(torch.split(self.weight_hh, hidden), _delayed(problem, tape, flow), strict=True):
            _add_product(total, terms, by_past)
        if self.x is not None:
            torch.mm(by_input, problem.weight_ih, out=self.x[rows])
        if problem.gate is not None and self.gate is not None and flow.dlogits is not None:
            self._add_gate(problem, self.gate, tape, flow, flow.dlogits[: len(da)])
        if self.shares is not None:
            assert flow.dm is not None
            kept = None if flow.kept is None else flow.kept[: len(da)]
            each = products(problem.states(tape), flow.dm[: len(da)], kept, flow.first)
            self.shares += torch.stack([one.sum(0) for one in each])

    def _add_gate(self, problem: Problem, sums: Gate, tape: Tape, flow: Flow, dlogits: Tensor) -> None:
        rows = problem.rows.of(flow.first, flow.last)
        sums.weight_ih.addmm_(problem.x[rows].t(), dlogits)
        sums.bias.add_(dlogits.sum(0))
        _add_product(sums.weight_hh, problem.states(tape)[0].parts(flow.first - 1, flow.last - 1), dlogits)
        if self.x is not None and problem.gate is not None:
            self.x[rows].addmm_(dlogits, problem.gate.weight_ih)

    def add_initial(self, problem: Problem, tape: Tape, flow: Flow) -> None:
        """Add what the first steps hand back to the states before them; `flow` is of the first segment."""
        width, depth, lags = problem.rows.width, problem.rows.depth, problem.rows.lags
        by_past = flow.da[:, problem.layout.past_columns(problem.hidden)]
        shares = Shares.of(problem, tape).at(slice(0, depth * width))
        for n, lag in enumerate(lags):
            before, first = slice((depth - lag) * width, depth * width), slice(0, lag * width)
            if flow.dm is not None and shares is not None:
                self.initial[0][before].addcmul_(flow.dm[first], shares[n][first])
            elif problem.mean:
                self.initial[0][before].addmm_(by_past[first], problem.weight_hh, alpha=1 / len(lags))
            else:
                self.initial[0][before].addmm_(by_past[first], problem.matrices[n])
            if flow.kept is not None:
                share = 1 / len(lags) if shares is None else shares[n][first]
                self.initial[-1][before] += flow.kept[first] * share
        if problem.gate is not None and flow.dlogits is not None:
            self.initial[0][-width:].addmm_(flow.dlogits[:width], problem.gate.weight_hh)


def _zeros_of(gate: Gate) -> Gate:
    return Gate(*(gate.bias.new_zeros(one.shape[::-1]) for one in (gate.weight_ih, gate.weight_hh, gate.bias)))


def _delayed(problem: Problem, tape: Tape, flow: Flow) -> list[list[Tensor]]:
    """Return for each recurrent matrix what it multiplies in the steps of a segment, in one part or several."""
    h, first, last = problem.states(tape)[0], flow.first, flow.last
    if problem.combine == "sum":
        return [h.parts(first - lag, last - lag) for lag in problem.rows.lags]
    rows = problem.rows.of(first, last)
    states = [h(first - lag, last - lag)[: rows.stop - rows.start] for lag in problem.rows.lags]
    return [[blend(states, Shares.of(problem, tape).at(rows))]]


def _add_product(total: Tensor, parts: list[Tensor], da: Tensor) -> None:
    """Add the product of the rows of all parts, one below the other, transposed, with da."""
    row = 0
    for part in parts:
        below = da[row : row + len(part)]  # the last step of a sequence may have fewer rows
        total.addmm_(part[: len(below)].t(), below)
        row += len(part)


def backward(
    problem: Problem,
    tape: Tape,
    make: MakeSweeps,
    outer: Sequence[OuterGradient],  # of h, or of h and c
    for_input: bool,
) -> Gradients:
    """Return the gradients of a loss from what it says about every state."""
    sweeps, gradients = make(problem, tape), Gradients.zeros(problem, for_input)
    for flow in _segments(problem, outer):
        sweeps.backward(flow)
        gradients.add(problem, tape, flow)
    gradients.add_initial(problem, tape, flow)
    return gradients


def _segments(problem: Problem, outer: Sequence[OuterGradient]) -> Iterator[Flow]:
    """Yield the segments from the last to the first; each begins with what the one after it found."""
    rows, hidden = problem.rows, problem.hidden
    length, keep = rows.segment(problem.gate_bytes), rows.depth * rows.width
    room = length * rows.width + keep
    da = problem.x.new_empty(room, problem.layout.blocks * hidden)
    kept = problem.x.new_empty(room, hidden) if problem.layout.kept else None
    dm = problem.x.new_empty(room, hidden) if problem.weighted else None
    dlogits = None if problem.gate is None else problem.x.new_empty(room, len(rows.lags))
    last = rows.steps
    while last > 0:
        first = max(0, last - length)
        here, end = rows.of(first, last), (last - first) * rows.width
        for buffer in (da, kept, dm, dlogits):
            if buffer is not None and last < rows.steps:
                buffer[end : end + keep] = buffer[:keep].clone()
            elif buffer is not None:
                buffer[here.stop - here.start :] = 0
        grad_h, *grad_c = (part.of(here.start // rows.batch, here.stop // rows.batch) for part in outer)
        if grad_h is None:
            grad_h = problem.x.new_zeros(here.stop - here.start, hidden)
        yield Flow(first, last, grad_h, grad_c[0] if grad_c else None, da, kept, None, dm, dlogits)
        last = first

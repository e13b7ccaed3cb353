"""The adjoint of RNN, LSTM and GRU by the sweeps that train them, in float64, one segment of the sequence at a time.

Between segments all that is still to be handed on is divided, row by row, by its largest entry. A segment in which
a row outgrows or undercuts what float64 holds safely is gone over again at half the length.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.analysis.adjoint.trace import Look, Pulled, Trace, last_step
from seqskip.analysis.scaled import Scaled, finite
from seqskip.cells import Cell
from seqskip.cells.base import average
from seqskip.engines.bptt import SweepEngine
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.driver import MakeSweeps, Sweeps, forward
from seqskip.engines.bptt.problem import Flow, Problem, Tape
from seqskip.engines.bptt.sweeps import makers
from seqskip.history import State

SAFE = 1e100  # squares of such numbers still are float64 numbers, and so are their inverses
BLOCKS = 128  # of min(delays) steps in a segment: enough for a factor of 0.17 from each to the next


def trace_by_hand(engine: SweepEngine, cell: Cell, x: Tensor, initial: State) -> Trace:
    """Run a layer by an engine's sweeps."""
    problem, make = Call.of(engine.name, cell, x, initial, None).problem(), makers(engine.name, x)
    tape = forward(problem, make, keep=True)
    states = [part.view(*x.shape[:2], -1) for part in (tape.h, tape.c) if part is not None]
    return HandTrace(cell, x, initial, tuple(states), make, tape)


@dataclass(frozen=True, eq=False)
class HandTrace(Trace):
    """Goes back by the backward sweep."""

    make: MakeSweeps
    tape: Tape

    def pull(self, direct: Scaled, look: Look) -> Pulled:
        # With no cotangent at all the last step is as good as any: nothing comes out of it.
        steps, rows = max(1, last_step(direct)), direct.value.size(1)
        problem, tape = self._repeated(steps, rows // self.x.size(1))
        found = Backward(problem, self.make(problem, tape), direct[:steps], look).run()
        return replace(found, seen=found.seen.extended(len(self.x)), x=found.x.extended(len(self.x)))

    def _repeated(self, steps: int, cotangents: int) -> tuple[Problem, Tape]:
        """Return the first steps of the sequence, each sample as often as there are cotangents for it."""

        def repeat(part: Tensor) -> Tensor:
            return part.repeat(1, cotangents, 1) if cotangents > 1 else part

        def repeat_rows(part: Tensor | None) -> Tensor | None:
            return None if part is None else repeat(part.view(*self.x.shape[:2], -1)[:steps]).flatten(0, 1)

        initial = tuple(map(repeat, self.initial))
        problem = Call.of("auto", self.cell, repeat(self.x[:steps]), initial, None).problem()
        h = repeat_rows(self.tape.h)
        assert h is not None
        return problem, Tape(h, repeat_rows(self.tape.c), repeat_rows(self.tape.gates))


@dataclass(frozen=True, eq=False)
class Carried:
    """What the steps found so far hand to the D steps of the sweep before them."""

    log: Tensor  # (W,): the scale of each of the W rows of a step
    da: Tensor  # (D·W, blocks·H), in units of exp(log)
    kept: Tensor | None  # (D·W, H)

    @property
    def parts(self) -> list[Tensor]:
        """What there is of both."""
        return [self.da] if self.kept is None else [self.da, self.kept]

    def size(self) -> Tensor:
        """Return the log of the largest entry of each row of a step, (W,)."""
        sizes = [_size(part).view(-1, len(self.log)).amax(0) for part in self.parts]
        return torch.stack(sizes).amax(0).log() + finite(self.log)

    def in_units_of(self, log: Tensor) -> "Carried":
        """Return the same with another scale."""
        factor = (finite(self.log) - finite(log)).exp()
        parts = [part.view(-1, len(log), part.size(1)) * factor.unsqueeze(-1) for part in self.parts]
        return Carried(log, parts[0].flatten(0, 1), parts[1].flatten(0, 1) if len(parts) == 2 else None)


@dataclass(frozen=True, eq=False)
class Segment:
    """Some steps of the sweep once they are gone over; all in units of the scale of the rows of a step."""

    flow: Flow
    log: Tensor  # (W,), -inf for rows of nothing but zeros
    scale: Tensor  # (N,): the same for each row of the segment, all finite

    @property
    def da(self) -> Tensor:
        """The gradients of the pre-activations, (N, blocks·H)."""
        return self.flow.da[: len(self.scale)]

    def is_safe(self) -> bool:
        """Return whether no row is near the ends of float64's range."""
        sizes = [_size(part[: len(self.scale)]) for part in (self.flow.dh, self.flow.kept) if part is not None]
        return all(bool(((size == 0) | (size > 1 / SAFE) & (size < SAFE)).all()) for size in sizes)


class Backward:
    """One pass from the last step of the sweep to the first."""

    def __init__(self, problem: Problem, sweeps: Sweeps, direct: Scaled, look: Look):
        self.problem, self.sweeps, self.rows, self.look = problem, sweeps, problem.rows, look
        self.direct = Scaled(direct.value.flatten(0, 1), direct.log.flatten())
        self.found: list[tuple[Scaled, Scaled]] = []  # what was seen and ∂L/∂x of each segment, the last one first

    def run(self) -> Pulled:
        """Return what comes out of the layer."""
        longest = min(BLOCKS * min(self.rows.lags), self.rows.segment(self.problem.gate_bytes))
        carried, last, length = self._nothing(), self.rows.steps, longest
        while last:
            first = max(0, last - length)
            segment = self._segment(first, last, carried)
            if last - first > 1 and not segment.is_safe():
                length = (last - first + 1) // 2
                continue
            self.found.append((self._seen(segment), self._to_input(segment)))
            carried, last, length = self._carried(segment), first, min(2 * length, longest)
        seen, x = (self._in_time(Scaled.cat(parts[::-1])) for parts in zip(*self.found, strict=True))
        return Pulled(seen, x, self._initial(carried))

    def _nothing(self) -> Carried:
        width, x, layout = self.rows.width, self.problem.x, self.problem.layout
        da = x.new_zeros(self.rows.depth * width, layout.blocks * self.problem.hidden)
        kept = x.new_zeros(len(da), self.problem.hidden) if layout.kept else None
        return Carried(x.new_full((width,), -torch.inf), da, kept)

    def _segment(self, first: int, last: int, carried: Carried) -> Segment:
        """Go over the steps first to last - 1."""
        rows, width = self.rows.of(first, last), self.rows.width
        log = torch.maximum(carried.size(), _largest(self.direct.log[rows], width))
        carried, count = carried.in_units_of(log), rows.stop - rows.start
        scale = finite(log).repeat(last - first)[:count]
        direct = self.direct[rows].relative_to(scale)
        grad_h, *grad_c = (part.contiguous() for part in direct.split(self.problem.hidden, 1))
        da, *kept = (_room(part, (last - first) * width, count) for part in carried.parts)
        flow = Flow(first, last, grad_h, *(grad_c or [None]), da, *(kept or [None]), dh=torch.empty_like(grad_h))
        self.sweeps.backward(flow)
        return Segment(flow, log, scale)

    def _seen(self, segment: Segment) -> Scaled:
        flow = segment.flow
        state = [flow.dh]
        if self.problem.layout.parts == 2:
            c = self._kept(flow, len(flow.dh))
            state.append(c if flow.grad_c is None else c + flow.grad_c)
        seen = self.look(torch.cat(state, 1) if len(state) > 1 else flow.dh, lambda: self._pre(segment))
        return Scaled(seen, segment.scale)

    def _pre(self, segment: Segment) -> Tensor:
        """Return the columns of ∂L/∂a that the projected input feeds, in torch's order of the gates."""
        layout, columns = self.problem.layout, self.problem.layout.input_columns(self.problem.hidden)
        return layout.restore(segment.da[:, columns].t()).t()

    def _to_input(self, segment: Segment) -> Scaled:
        columns = self.problem.layout.input_columns(self.problem.hidden)
        return Scaled.of(segment.da[:, columns] @ self.problem.weight_ih, segment.scale)

    def _carried(self, segment: Segment) -> Carried:
        keep = self.rows.depth * self.rows.width
        kept = segment.flow.kept
        return Carried(segment.log, segment.flow.da[:keep].clone(), None if kept is None else kept[:keep].clone())

    def _kept(self, flow: Flow, count: int) -> Tensor:
        """Return the mean of what the gates of later steps hand back to the first rows of a flow, (N, H)."""
        assert flow.kept is not None
        shifts = [lag * self.rows.width for lag in self.rows.lags]
        return average([flow.kept[shift : shift + count] for shift in shifts])

    def _initial(self, carried: Carried) -> Scaled:
        """Return what the first steps hand back to the D before them, (D, R, P·H)."""
        da, *kept = (torch.cat((torch.zeros_like(part), part)) for part in carried.parts)
        flow, count = Flow(0, 0, da, None, da, *(kept or [None])), len(carried.da)
        state = [self._through_matrices(flow, count)]
        if kept and self.problem.layout.parts == 2:
            state.append(self._kept(flow, count))
        elif kept:
            state[0] += self._kept(flow, count)
        value = torch.cat(state, 1).view(-1, self.rows.batch, self.problem.layout.parts * self.problem.hidden)
        return Scaled.of(value, finite(carried.log).repeat(self.rows.depth).view(-1, self.rows.batch))

    def _through_matrices(self, flow: Flow, count: int) -> Tensor:
        """Return what later steps hand back to h through their recurrent matrices, (N, H)."""
        past = self.problem.layout.past_columns(self.problem.hidden)
        shifts = [lag * self.rows.width for lag in self.rows.lags]
        later = [flow.da[shift : shift + count, past] for shift in shifts]
        if self.problem.mean:
            return average(later) @ self.problem.weight_hh
        return torch.stack([da @ matrix for da, matrix in zip(later, self.problem.matrices, strict=True)]).sum(0)

    def _in_time(self, rows: Scaled) -> Scaled:
        shape = (self.rows.time, self.rows.batch)
        return Scaled(rows.value.view(*shape, -1), rows.log.view(shape))


def _size(rows: Tensor) -> Tensor:
    """Return the largest entry of each row."""
    return rows.abs().amax(1)


def _largest(log: Tensor, width: int) -> Tensor:
    """Return the largest log of each row of a step; the last step may have fewer rows."""
    filled = torch.cat((log, log.new_full((-len(log) % width,), -torch.inf)))
    return filled.view(-1, width).amax(0)


def _room(carried: Tensor, at: int, used: int) -> Tensor:
    """Return a buffer whose first rows are to be filled, with what was carried behind them from row `at` on."""
    buffer = carried.new_empty(at + len(carried), carried.size(1))
    buffer[used:at] = 0
    buffer[at:] = carried
    return buffer


"""The adjoint of RNN, LSTM and GRU by the sweeps that train them, in float64, one segment of the sequence at a time.

Between segments all that is still to be handed on is divided, row by row, by its largest entry. A segment in which
a row outgrows or undercuts what float64 holds safely is gone over again at half the length.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seqskip.analysis.adjoint.segment import Carried, Segment, largest, room
from seqskip.analysis.adjoint.trace import Look, Pulled, Trace, last_step
from seqskip.analysis.scaled import Scaled, finite, largest_entry
from seqskip.cells import Cell, TorchCell
from seqskip.cells.base import average
from seqskip.engines.bptt import SweepEngine
from seqskip.engines.bptt.call import Call
from seqskip.engines.bptt.driver import MakeSweeps, Sweeps, forward
from seqskip.engines.bptt.problem import Flow, Problem, Tape
from seqskip.engines.bptt.sweeps import makers
from seqskip.history import State

BLOCKS = 128  # of min(delays) steps in a segment: enough for a factor of 0.17 from each to the next


def swept(cell: Cell) -> bool:
    """Return whether `trace_by_hand` knows a cell of the sweeps: one whose delayed states have equal shares."""
    return isinstance(cell, TorchCell) and cell.combine in ("sum", "mean")


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

    def along_carry(self) -> Trace | None:
        assert isinstance(self.cell, TorchCell)
        return replace(self, cell=replace(self.cell, weight_hh=torch.zeros_like(self.cell.weight_hh)))

    def pull(self, direct: Scaled, look: Look, for_input: bool) -> Pulled:
        steps, rows = last_step(direct), direct.value.size(1)
        problem, tape = self._repeated(steps, rows // self.x.size(1))
        found = Backward(problem, self.make(problem, tape), direct[:steps], look, for_input).run()
        x = None if found.x is None else found.x.extended(len(self.x))
        return replace(found, seen=found.seen.extended(len(self.x)), x=x)

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


class Backward:
    """One pass from the last step of the sweep to the first."""

    def __init__(self, problem: Problem, sweeps: Sweeps, direct: Scaled, look: Look, for_input: bool):
        self.problem, self.sweeps, self.rows, self.look = problem, sweeps, problem.rows, look
        self.direct = Scaled(direct.value.flatten(0, 1), direct.log.flatten())
        self.seen: list[Scaled] = []  # of each segment, the last one first
        self.x = torch.empty_like(problem.x) if for_input else None
        self.log = problem.x.new_empty(len(problem.x))  # of the rows of x

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
            self.seen.append(self._seen(segment))
            if self.x is not None:
                self._write(self.x[self.rows.of(first, last)], self.log[self.rows.of(first, last)], segment)
            carried, last, length = self._carried(segment), first, min(2 * length, longest)
        seen, x = Scaled.cat(self.seen[::-1]), None if self.x is None else self._in_time(Scaled(self.x, self.log))
        return Pulled(self._in_time(seen), x, self._initial(carried))

    def _nothing(self) -> Carried:
        width, x, layout = self.rows.width, self.problem.x, self.problem.layout
        da = x.new_zeros(self.rows.depth * width, layout.blocks * self.problem.hidden)
        kept = x.new_zeros(len(da), self.problem.hidden) if layout.kept else None
        return Carried(x.new_full((width,), -torch.inf), da, kept)

    def _segment(self, first: int, last: int, carried: Carried) -> Segment:
        """Go over the steps first to last - 1."""
        rows, width = self.rows.of(first, last), self.rows.width
        log = torch.maximum(carried.size(), largest(self.direct.log[rows], width))
        carried, count = carried.in_units_of(log), rows.stop - rows.start
        scale = finite(log).repeat(last - first)[:count]
        direct = self.direct[rows].relative_to(scale)
        grad_h, *grad_c = (part.contiguous() for part in torch.split(direct, self.problem.hidden, 1))
        da, *kept = (room(part, (last - first) * width, count) for part in carried.parts)
        flow = Flow(first, last, grad_h, _if_any(grad_c), da, _if_any(kept), dh=grad_h)
        self.sweeps.backward(flow)
        return Segment(flow, grad_h, log, scale)

    def _seen(self, segment: Segment) -> Scaled:
        flow, state = segment.flow, segment.dh
        if self.problem.layout.parts == 2:
            dc = self._kept(flow, len(state))
            state = torch.cat((state, dc if flow.grad_c is None else dc + flow.grad_c), 1)
        return Scaled(self.look(state, lambda: self._pre(segment)), segment.scale)

    def _pre(self, segment: Segment) -> Tensor:
        """Return the columns of ∂L/∂a that the projected input feeds, in torch's order of the gates."""
        layout, columns = self.problem.layout, self.problem.layout.input_columns(self.problem.hidden)
        return layout.restore(segment.da[:, columns].t()).t()

    def _write(self, x: Tensor, log: Tensor, segment: Segment) -> None:
        """Write ∂L/∂x of the rows of a segment, each row's largest entry made 1, and the logs of their scales."""
        columns = self.problem.layout.input_columns(self.problem.hidden)
        torch.mm(segment.da[:, columns], self.problem.weight_ih, out=x)
        size = largest_entry(x)
        x /= torch.where(size == 0, 1, size).unsqueeze(1)
        torch.add(size.log(), segment.scale, out=log)

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
        flow, count = Flow(0, 0, da, None, da, _if_any(kept)), len(carried.da)
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


def _if_any(parts: list[Tensor]) -> Tensor | None:
    """Return what only some recurrences have, or None."""
    return parts[0] if parts else None

"""The recurrences that `ByHand` sweeps over time, each as it is forward and backward. Equations: `seqskip.cells`."""

import torch
from torch import Tensor

from seqskip.engines.bptt.by_hand import ByHand
from seqskip.engines.bptt.problem import Flow, Problem, Tape

# (gradient, value of the function, grad_input=where to write): torch's own, gradient times derivative in one go.
through_tanh = torch.ops.aten.tanh_backward.grad_input
through_sigmoid = torch.ops.aten.sigmoid_backward.grad_input


class Tanh(ByHand):
    """h = tanh(a); the states are written over the pre-activations."""

    def activate(self, a: Tensor, step: int, rows: slice) -> None:
        a.tanh_()

    def differentiate(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        through_tanh(dh, self.tape.h[rows], grad_input=flow.da[local])


class Relu(ByHand):
    """h = max(a, 0); the states are written over the pre-activations."""

    def activate(self, a: Tensor, step: int, rows: slice) -> None:
        a.relu_()

    def differentiate(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        torch.ops.aten.threshold_backward.grad_input(dh, self.tape.h[rows], 0, grad_input=flow.da[local])


class LSTM(ByHand):
    """c = f c̄ + i g, h = o tanh(c); c̄ is the sum of the delayed c, each with its share."""

    def activate(self, a: Tensor, step: int, rows: slice) -> None:
        i, f, g, o = a.chunk(4, -1)
        a[:, : 2 * i.size(1)].sigmoid_()
        g.tanh_()
        o.sigmoid_()
        c = self.lines[1].after[rows]
        torch.mul(f, self.carried(self.lines[1], step, rows), out=c).addcmul_(i, g)
        torch.tanh(c, out=self.tape.h[rows]).mul_(o)

    def linearise(self, flow: Flow) -> None:
        rows = self.rows.of(flow.first, flow.last)
        i, f, g, o = self.gates(rows)
        a_i, a_f, a_g, a_o = flow.da[: len(i)].chunk(4, -1)
        tanh_c = self.lines[1].after[rows].tanh()
        through_sigmoid(g, i, grad_input=a_i)
        through_sigmoid(self.carried(self.lines[1], flow.first, rows), f, grad_input=a_f)
        through_tanh(i, g, grad_input=a_g)
        through_sigmoid(tanh_c, o, grad_input=a_o)
        self._h_by_c = torch.ops.aten.tanh_backward(o, tanh_c)

    def differentiate(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        handed_back, kept = self.kept(flow, rows, local)
        dc = torch.addcmul(handed_back, dh, self._h_by_c[local])
        if flow.grad_c is not None:
            dc += flow.grad_c[local]
        by_c, by_h = torch.split(flow.da[local].view(-1, 4, dc.size(1)), [3, 1], 1)
        by_c.mul_(dc.unsqueeze(1))
        by_h.mul_(dh.unsqueeze(1))
        torch.mul(dc, self.gates(rows)[1], out=kept)


class GRU(ByHand):
    """n = tanh(a_n + r q), h = n + z (h̄ - n); h̄ is that of the delayed h."""

    def activate(self, a: Tensor, step: int, rows: slice) -> None:
        n, r, z, q = a.chunk(4, -1)
        a[:, r.size(1) : 3 * r.size(1)].sigmoid_()
        n.addcmul_(r, q).tanh_()
        # Not torch.lerp: with z = 1 and an infinite state it gives NaN.
        torch.addcmul(n, z, self.carried(self.lines[0], step, rows) - n, out=self.tape.h[rows])

    def linearise(self, flow: Flow) -> None:
        rows = self.rows.of(flow.first, flow.last)
        n, r, z, q = self.gates(rows)
        a_n, a_r, a_z, a_q = flow.da[: len(n)].chunk(4, -1)
        through_tanh(1 - z, n, grad_input=a_n)
        through_sigmoid(a_n * q, r, grad_input=a_r)
        through_sigmoid(self.carried(self.lines[0], flow.first, rows) - n, z, grad_input=a_z)
        torch.mul(a_n, r, out=a_q)

    def differentiate(self, flow: Flow, dh: Tensor, rows: slice, local: slice) -> None:
        handed_back, kept = self.kept(flow, rows, local)
        dh += handed_back
        flow.da[local].view(-1, 4, dh.size(1)).mul_(dh.unsqueeze(1))
        torch.mul(dh, self.gates(rows)[2], out=kept)


SWEEPS: dict[str, type[ByHand]] = {"tanh": Tanh, "relu": Relu, "lstm": LSTM, "gru": GRU}


def sweeps(problem: Problem, tape: Tape) -> ByHand:
    """Return the sweeps of a problem."""
    return SWEEPS[problem.kind](problem, tape)

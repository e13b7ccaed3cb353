"""The native sweeps: the C++ functions of this folder, called with the addresses of tensors."""

import ctypes

import torch
from torch import Tensor

from seqskip.engines.bptt.problem import Flow, Problem, Tape
from seqskip.engines.native.build import library
from seqskip.engines.native.threads import parallel_for

KINDS = ("tanh", "relu", "lstm", "gru")  # numbered as in problem.h, as are these:
COMBINE = ("sum", "mean", "gate", "learned")
TYPES = {torch.float32: "f32", torch.float64: "f64"}
# Below so many multiplications it costs more to wake another thread than it saves.
WORK_OF_A_THREAD = 1 << 18
WEIGHTS_TO_DIVIDE = 1 << 17  # see _division


class Arguments(ctypes.Structure):
    """`Problem` of problem.h."""

    _fields_ = (
        *(
            (name, ctypes.c_int64)
            for name in ("kind", "width", "rows", "hidden", "features", "lags", "combine", "parts", "by_units")
        ),
        *((name, ctypes.c_void_p) for name in ("lag", "limits", "parallel_for", "panels")),
        *((name, ctypes.c_void_p) for name in ("x", "weight_ih", "weight_hh", "bias", "h_before", "c_before")),
        *((name, ctypes.c_void_p) for name in ("h", "c", "gates", "grad_h", "grad_c", "da", "kept", "dh")),
        *((name, ctypes.c_void_p) for name in ("gate_ih", "gate_hh", "gate_bias", "shares", "dm", "dlogits")),
    )


class NativeSweeps:
    """The sweeps of one problem on the CPU, in float32 or float64.

    The threads are torch's own, as many as torch.set_num_threads allows, through its C interface: the kernels
    bring no pool of threads that would compete with torch's. ctypes lets other Python threads run meanwhile.
    """

    def __init__(self, problem: Problem, tape: Tape):
        rows = problem.rows
        self._type = TYPES[problem.x.dtype]
        self._lags = torch.tensor(rows.lags)
        self._limits = _limits(problem)
        self._held = (problem, tape)  # the addresses below are good as long as these live
        before = problem.initial
        self._arguments = Arguments(
            kind=KINDS.index(problem.kind),
            width=rows.width,
            rows=problem.x.size(0),
            hidden=problem.hidden,
            features=problem.x.size(1),
            lags=len(rows.lags),
            combine=COMBINE.index(problem.combine),
            **_division(problem),
            lag=self._lags.data_ptr(),
            limits=_address(self._limits),
            parallel_for=parallel_for(),
            x=problem.x.data_ptr(),
            weight_ih=problem.weight_ih.data_ptr(),
            weight_hh=problem.weight_hh.data_ptr(),
            bias=_address(problem.bias),
            h_before=before[0].data_ptr(),
            c_before=before[-1].data_ptr(),
            h=tape.h.data_ptr(),
            c=_address(tape.c),
            gates=_address(tape.gates),
            **_gate(problem),
            shares=_address(problem.shares if tape.shares is None else tape.shares),
        )
        self._packed = False

    def forward(self) -> None:
        """Write the states of all steps, and the gates where the tape keeps them."""
        panels = self._room("forward_size")
        self._arguments.panels = panels.data_ptr()
        self._call("forward")

    def backward(self, flow: Flow) -> None:
        """Fill `flow.da`, and as far as they are there kept, dm and dlogits, for one segment of the sequence."""
        if not self._packed:
            self._panels = self._room("backward_size")
            self._arguments.panels = self._panels.data_ptr()
            self._call("pack_backward")
            self._packed = True
        self._arguments.grad_h, self._arguments.grad_c = flow.grad_h.data_ptr(), _address(flow.grad_c)
        self._arguments.da, self._arguments.kept = flow.da.data_ptr(), _address(flow.kept)
        self._arguments.dm, self._arguments.dlogits = _address(flow.dm), _address(flow.dlogits)
        self._arguments.dh = _address(flow.dh)
        self._call("backward", ctypes.c_int64(flow.first), ctypes.c_int64(flow.last))

    def _room(self, size: str) -> Tensor:
        return self._held[0].x.new_empty(self._call(size))

    def _call(self, name: str, *more: ctypes.c_int64) -> int:
        function = getattr(library(), f"seqskip_{name}_{self._type}")
        function.restype = ctypes.c_int64 if name.endswith("size") else None
        found: int = function(ctypes.byref(self._arguments), *more)
        return found


def _gate(problem: Problem) -> dict[str, int]:
    gate = problem.gate
    if gate is None:
        return {}
    weights = {"gate_ih": gate.weight_ih, "gate_hh": gate.weight_hh, "gate_bias": gate.bias}
    return {name: weight.data_ptr() for name, weight in weights.items()}


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def threads_for(work: int) -> int:
    """Return how many of torch's threads so many multiplications are worth."""
    return max(1, min(torch.get_num_threads(), work // WORK_OF_A_THREAD))


def _division(problem: Problem) -> dict[str, int]:
    """Return how many threads share the work, and whether they divide the units of each step and not its rows.

    Rows need no thread to wait for another. With less than two for each thread, though, every thread would read all
    weights at each step for next to nothing: then it is faster to divide the units (1.3 to 2 times with one row and
    two threads), unless the weights are few, where it takes longer to meet after each step (1 µs) than to work alone.
    """
    width, weights = problem.rows.width, problem.weight_hh.numel()
    threads = threads_for(problem.x.size(0) * weights)
    by_units = width < 2 * threads and weights >= WEIGHTS_TO_DIVIDE
    return {"parts": threads if by_units else min(threads, width), "by_units": by_units}


def _limits(problem: Problem) -> Tensor | None:
    """Return for each row of a step how many steps it runs for: time step k·g + j is step k of phase j."""
    if problem.lengths is None:
        return None
    g = problem.rows.together
    return torch.cat(
        [(problem.lengths - phase + g - 1).div(g, rounding_mode="floor") for phase in range(g)]
    ).contiguous()

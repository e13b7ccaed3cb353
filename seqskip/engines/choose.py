"""Which engine runs a layer, and why."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from seqskip import checks
from seqskip.cells import Cell, ExtendedCell, ModuleCell, TorchCell
from seqskip.engines.bptt import SweepEngine, kind_of
from seqskip.engines.fold import fold
from seqskip.engines.native import obstacle, takes
from seqskip.engines.rolled import rolled
from seqskip.history import State
from seqskip.scan import scan

# (cell, x, initial, lengths) -> (output, delay line), as `seqskip.scan.scan` has it.
Engine = Callable[[Cell, Tensor, State, Tensor | None], tuple[Tensor, State]]

ENGINES: dict[str, Engine] = {
    "reference": scan,
    "fold": fold,
    "torch": SweepEngine("torch"),
    "native": SweepEngine("native"),
}
BACKENDS = ("auto", *ENGINES)
_SWEEPS = SweepEngine("auto")  # native where that can run, else torch


class _Forced(threading.local):
    """What `backend` asks for in a thread; torch.compile can read it, which it cannot with a ContextVar."""

    name: str | None = None


_FORCED = _Forced()


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Run every layer on one engine in this context, in this thread, whatever the layers or SEQSKIP_BACKEND say.

    Args:
        name: "auto", or the engine to force: "reference", "fold", "torch" or "native".

    Raises:
        ValueError: no engine has this name.
    """
    before, _FORCED.name = _FORCED.name, checks.choice("backend", name, BACKENDS)
    try:
        yield
    finally:
        _FORCED.name = before


def choose(cell: Cell, preferred: str) -> Engine:
    """Return the engine that runs a cell: the context's, else that of SEQSKIP_BACKEND, else the layer's own.

    While a graph is exported the one that rolls the loop up takes the place of those that torch would unroll, and in a
    graph for ONNX, which knows no operators of ours, that of all.

    Raises:
        ValueError: the engine that is forced cannot run this cell.
    """
    name, source = wanted(preferred)
    engine = _fastest(cell) if name == "auto" else _forced_engine(cell, name, source)
    if torch.compiler.is_exporting() and (engine in (scan, fold) or torch.onnx.is_in_onnx_export()):
        return rolled
    return engine


def _fastest(cell: Cell) -> Engine:
    if kind_of(cell):
        return _SWEEPS
    return fold if cell.common_step > 1 else scan


def engine_name(cell: Cell, preferred: str) -> tuple[str, str]:
    """Return the name of the engine that runs a cell, and the reason; builds the native kernels if need be."""
    engine, (name, source) = choose(cell, preferred), wanted(preferred)
    if name != "auto":
        missing = obstacle(cell.weight.device, _dtype(cell)) if name == "native" else None
        return name, f"forced by {source}={name}" + (f", but it cannot run: {missing}" if missing else "")
    if engine is _SWEEPS:
        missing = obstacle(cell.weight.device, _dtype(cell))
        return ("torch", f"not native: {missing}") if missing else ("native", "compiled kernels, on torch's threads")
    unknown, step = f"no fast engine knows {_strange(cell)}", cell.common_step
    if step > 1:
        fewer = f"{step} times fewer steps on a batch {step} times as wide"
        return "fold", f"{unknown}, but all delays are multiples of {step}: {fewer}"
    return "reference", f"{unknown}: one step after the other"


def wanted(preferred: str) -> tuple[str, str]:
    """Return the name that is asked for and where."""
    if _FORCED.name is not None:
        return _FORCED.name, "seqskip.backend"
    if name := os.environ.get("SEQSKIP_BACKEND"):
        return checks.choice("SEQSKIP_BACKEND", name, BACKENDS), "SEQSKIP_BACKEND"
    return preferred, "backend"


def _forced_engine(cell: Cell, name: str, source: str) -> Engine:
    if isinstance(ENGINES[name], SweepEngine) and not kind_of(cell):
        known = "RNNCell, LSTMCell and GRUCell"
        raise ValueError(f"{source}={name!r} runs {known} alone, got {_strange(cell)}; use {source}='auto'")
    if name == "native" and (missing := takes(cell.weight.device, _dtype(cell))):
        raise ValueError(f"{source}='native' cannot run here: {missing}; use {source}='auto'")
    return ENGINES[name]


def _strange(cell: Cell) -> str:
    """Return what it is about a cell that keeps the sweeps from it."""
    name = type(cell.module if isinstance(cell, ModuleCell) else cell).__name__
    if isinstance(cell, ExtendedCell):
        return f"{name.removeprefix('Extended')} with {' and '.join(cell.extensions)}"
    if not isinstance(cell, TorchCell):
        return name
    whole = replace(cell, delays=tuple(range(1, len(cell.delays) + 1)))
    if kind_of(whole):
        return f"{name} with delays={cell.delays}, which lie between two steps"
    return name


def _dtype(cell: Cell) -> torch.dtype:
    """Return the type in which a cell runs."""
    weight = cell.weight
    if (
        weight.device.type == "meta"
        or weight.dtype == torch.float64
        or not torch.is_autocast_enabled(weight.device.type)
    ):
        return weight.dtype
    return torch.get_autocast_dtype(weight.device.type)

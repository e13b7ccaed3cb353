"""Which engine runs a layer, and why."""

import os
from collections.abc import Callable

from torch import Tensor

from seqskip import checks
from seqskip.cells import Cell
from seqskip.delays import LayerDelays, common_step
from seqskip.engines.fold import fold
from seqskip.history import State
from seqskip.scan import scan

# (cell, x, initial, lengths) -> (output, delay line), as `seqskip.scan.scan` has it.
Engine = Callable[[Cell, Tensor, State, Tensor | None], tuple[Tensor, State]]

ENGINES: dict[str, Engine] = {"reference": scan, "fold": fold}
BACKENDS = ("auto", *ENGINES)


def engine_name(delays: LayerDelays, backend: str) -> tuple[str, str]:
    """Return the name of the engine for a layer with these delays, and the reason for it.

    The environment variable SEQSKIP_BACKEND, if set, takes the place of `backend`.
    """
    forced = os.environ.get("SEQSKIP_BACKEND")
    if forced:
        return _resolve(checks.choice("SEQSKIP_BACKEND", forced, BACKENDS), delays, "SEQSKIP_BACKEND")
    return _resolve(backend, delays, "backend")


def _resolve(backend: str, delays: LayerDelays, source: str) -> tuple[str, str]:
    if backend != "auto":
        return backend, f"forced by {source}={backend}"
    step = common_step(delays)
    if step > 1:
        return "fold", f"all delays are multiples of {step}: {step} times fewer steps on a batch {step} times as wide"
    return "reference", "the delays have no common factor: one step after the other"


def choose(delays: LayerDelays, backend: str) -> Engine:
    """Return the engine that runs a layer with these delays."""
    return ENGINES[engine_name(delays, backend)[0]]

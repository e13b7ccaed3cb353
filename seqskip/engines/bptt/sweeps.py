"""Which sweeps an operator runs: decided where it runs, so that a compiled or exported graph fits any machine."""

import functools
import warnings

from torch import Tensor

from seqskip.engines.bptt import recurrences
from seqskip.engines.bptt.driver import MakeSweeps
from seqskip.engines.native import NativeSweeps, SwitchedOff, Unavailable, load, takes


def makers(engine: str, x: Tensor) -> MakeSweeps:
    """Return what makes the sweeps of an engine, or with "auto" of the fastest that can run on tensors like x.

    Raises:
        Unavailable: "native" is asked for and cannot be had.
    """
    if engine == "torch" or (engine == "auto" and takes(x.device, x.dtype)):
        return recurrences.sweeps
    try:
        load()
    except Unavailable as error:
        if engine == "native":
            raise Unavailable(f"backend='native' cannot run: {error}; or use backend='auto'") from error
        if not isinstance(error, SwitchedOff):
            _warn(str(error))
        return recurrences.sweeps
    return NativeSweeps


@functools.cache
def _warn(reason: str) -> None:
    """Say once in a process why it is slower than it could be."""
    warnings.warn(f"seqskip runs its slower engine backend='torch': {reason}", RuntimeWarning, stacklevel=2)

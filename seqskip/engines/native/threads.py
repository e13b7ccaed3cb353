"""torch's own threads, for code that knows no torch headers."""

import ctypes
import functools
from pathlib import Path

import torch

from seqskip.engines.native.unavailable import Unavailable


@functools.cache
def parallel_for() -> int:
    """Return the address of torch's loop over threads (torch/csrc/stable/c/shim.h).

    With it the kernels run on as many threads as torch.set_num_threads allows, and bring no pool of their own that
    would compete with torch's.

    Raises:
        Unavailable: this torch does not have it.
    """
    for path in sorted((Path(torch.__file__).parent / "lib").glob("libtorch_cpu.*")):
        try:
            address = ctypes.cast(ctypes.CDLL(str(path)).torch_parallel_for, ctypes.c_void_p).value
        except (OSError, AttributeError):
            continue
        if address is not None:
            return address
    raise Unavailable(f"torch {torch.__version__} has no torch_parallel_for that can be found; use torch >= 2.10")

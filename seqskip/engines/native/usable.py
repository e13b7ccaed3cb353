"""Whether the native engine can run, and if not, why."""

import torch

from seqskip.engines.native.build import library
from seqskip.engines.native.kernels import TYPES
from seqskip.engines.native.threads import parallel_for
from seqskip.engines.native.unavailable import Unavailable


def takes(device: torch.device, dtype: torch.dtype) -> str | None:
    """Return what keeps the kernels from tensors of this kind, or None."""
    if device.type != "cpu":
        return f"it runs on the CPU, and the weights are on {device}"
    if dtype not in TYPES:
        return f"it computes in float32 and float64, and the layer in {str(dtype).removeprefix('torch.')}"
    return None


def load() -> None:
    """Load the kernels, built if need be, and torch's threads for them, or raise Unavailable."""
    library()
    parallel_for()


def obstacle(device: torch.device, dtype: torch.dtype) -> str | None:
    """Return what keeps the native engine from tensors of this kind, or None; builds the kernels if need be."""
    if missing := takes(device, dtype):
        return missing
    try:
        load()
    except Unavailable as error:
        return str(error)
    return None

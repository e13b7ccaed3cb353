"""Which samples of a batch are meant: by their numbers, or by a mask."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from seqskip import checks

Samples = Sequence[int] | Sequence[bool] | Tensor | npt.NDArray[np.generic]


def chosen(samples: Samples, batch: int, device: torch.device) -> Tensor:
    """Return on a device what says which of B samples are meant: a mask (B,), or their numbers as int64, (N,).

    Raises:
        ValueError: a number outside 0 to B - 1, a mask of another size, or what is neither numbers nor a mask.
    """
    rule = f"samples must be numbers in 0 to {batch - 1}, or a mask of {batch} booleans"
    found = _tensor(samples)
    if found is None:
        raise ValueError(f"{rule}, got {samples!r}; give a list, or a tensor of integers or booleans")
    if found.dtype not in (torch.bool, torch.int8, torch.int16, torch.int32, torch.int64):
        # Of uint8 torch itself has made masks: nobody knows what is meant.
        raise ValueError(f"{rule}, got {found.dtype}; use .long() for numbers, .bool() for a mask")
    if found.dim() != 1 or (found.dtype == torch.bool and len(found) != batch):
        raise ValueError(f"{rule}, got {found.dtype} of shape {tuple(found.shape)}; give them in one dimension")
    if found.dtype == torch.bool:
        return found.to(device)
    outside = (found < 0) | (found >= batch)
    if not torch.compiler.is_compiling() and bool(outside.any()):  # what is compiled finds out by itself
        raise ValueError(f"{rule}, got {int(found[outside][0])}; samples are counted from 0")
    return found.to(device, torch.int64)


def _tensor(samples: object) -> Tensor | None:
    if isinstance(samples, np.ndarray) and samples.dtype.kind in "biuf":
        return torch.from_numpy(samples.copy())
    if isinstance(samples, Tensor):
        return samples
    if not isinstance(samples, Sequence):
        return None
    if samples and all(isinstance(one, bool | np.bool_) for one in samples):
        return torch.tensor(list(samples), dtype=torch.bool)
    return torch.tensor(list(samples), dtype=torch.int64) if all(map(checks.is_integer, samples)) else None

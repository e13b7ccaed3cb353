"""Long sequences of one's own in chunks, read from where they are."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from seqskip import checks
from seqskip.training.chunks import Chunk


class SequenceChunks(IterableDataset[Chunk]):
    """Long sequences of one's own, read from where they are chunk by chunk, and never as a whole.

    Hand it to a Trainer in the place of a DataLoader: a training that was stopped then goes on at its chunk. Or to
    `DataLoader(chunks, batch_size=None, num_workers=1)`, which reads ahead in a process of its own; a training that
    goes on then begins the sequences anew. Each pass reads them from their start. An object knows how far it is: make
    one for training and another for validation, and with several processes one of its own sequences for each.

    x, y and mask may be anything with a shape that is cut along time as x[:, a:b]: a tensor, a numpy array, a
    np.memmap or a dataset of h5py. Of what is no tensor, floating-point numbers are read as `dtype`, integers as int64.

    Args:
        x: inputs (B, T, I), or token numbers (B, T).
        y: what the task's loss compares the answers to, (B, T) or (B, T, ...).
        chunk_steps: time steps of one chunk; the last has what is left.
        mask: which answers are scored, in the shape of y; None for all.
        dtype: by default torch's default dtype.

    Raises:
        ValueError: shapes that do not fit, an empty sequence, chunk_steps below 1, a dtype that is not floating-point,
            or several workers, each of which would read the whole.

    >>> chunks = SequenceChunks(np.zeros((2, 1000, 3)), np.zeros((2, 1000), int), chunk_steps=400)
    >>> [(tuple(chunk.x.shape), chunk.first) for chunk in chunks]
    [((2, 400, 3), True), ((2, 400, 3), False), ((2, 200, 3), False)]
    """

    def __init__(self, x: Any, y: Any, chunk_steps: int, mask: Any = None, dtype: torch.dtype | None = None):
        self.chunk_steps = checks.integer("chunk_steps", chunk_steps, 1)
        self.dtype = checks.floating("dtype", dtype)
        batch, self.steps = _demand_sequences("x", x)
        if _demand_sequences("y", y) != (batch, self.steps):
            raise ValueError(f"y must have the B and T of x, {batch, self.steps}, got {tuple(y.shape)}; cut both alike")
        if mask is not None and _shape("mask", mask) != _shape("y", y):
            raise ValueError(f"mask must have the shape of y, {tuple(y.shape)}, got {tuple(mask.shape)}; give one as y")
        self.x, self.y, self.mask = x, y, mask
        self._start = self._reached = 0

    def __len__(self) -> int:
        return -(-self.steps // self.chunk_steps)

    def __iter__(self) -> Iterator[Chunk]:
        worker = get_worker_info()
        if worker is not None and worker.num_workers > 1:
            got = f"num_workers must be 0 or 1 with SequenceChunks, got {worker.num_workers}"
            raise ValueError(f"{got}, each of which would read the whole; use num_workers=1")
        start, self._start = self._start, 0
        for a in range(start, self.steps, self.chunk_steps):
            self._reached = min(a + self.chunk_steps, self.steps)
            yield self._read(a, self._reached)

    def _read(self, a: int, b: int) -> Chunk:
        x, y = (_tensor(part[:, a:b], self.dtype) for part in (self.x, self.y))
        mask = torch.ones(y.shape, dtype=torch.bool) if self.mask is None else _tensor(self.mask[:, a:b], None).bool()
        return Chunk(x, y, mask, a == 0)

    def state_dict(self) -> dict[str, int]:
        """Return the time steps that were read of the present pass."""
        return {"step": self._reached}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a time step."""
        self._reached = state["step"]
        self._start = self._reached % self.steps


def _shape(name: str, value: Any) -> tuple[int, ...]:
    shape = getattr(value, "shape", None)
    if shape is None:
        raise ValueError(f"{name} must be an array, got {type(value).__name__}; use numpy.asarray or torch.as_tensor")
    return tuple(shape)


def _demand_sequences(name: str, value: Any) -> tuple[int, int]:
    """Return B and T of an array (B, T, ...), else raise ValueError."""
    shape = _shape(name, value)
    if len(shape) < 2 or 0 in shape:
        raise ValueError(f"{name} must have shape (B, T) or (B, T, ...), none of them 0, got {shape}; for one, x[None]")
    return shape[0], shape[1]


def _tensor(piece: Any, dtype: torch.dtype | None) -> Tensor:
    """Return a tensor as it is, and a copy of another array."""
    if isinstance(piece, Tensor):
        return piece
    tensor = torch.from_numpy(np.array(piece))
    if tensor.is_floating_point():
        return tensor.to(dtype or torch.get_default_dtype())
    return tensor if tensor.dtype == torch.bool else tensor.to(torch.int64)

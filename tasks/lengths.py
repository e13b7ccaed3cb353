"""Samples of T to 1.1 T time steps, as Hochreiter & Schmidhuber (1997) draw them."""

import torch
from torch import Tensor


def longest(length: int) -> int:
    """Return the time steps of the longest sample, T + T/10."""
    return length + length // 10


def drawn(n: int, length: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the lengths of n samples, (n,), uniform in T to T + T/10, and which steps they have, (n, T + T/10)."""
    lengths = torch.randint(length, longest(length) + 1, (n,), generator=generator)
    return lengths, torch.arange(longest(length)) < lengths.unsqueeze(1)

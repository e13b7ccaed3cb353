"""Vectors too small or too large for floating point: a mantissa and the natural log of its scale."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Scaled:
    """Rows value · exp(log), both float64. A row of zeros may have log = -inf.

    Products of Jacobians over hundreds of steps leave float32 and even float64. A vector-Jacobian product is
    linear in each row, so the scale of a row can be carried beside it and nothing is lost.
    """

    value: Tensor  # (..., F)
    log: Tensor  # (...)

    @classmethod
    def of(cls, value: Tensor, log: Tensor | float = 0.0) -> "Scaled":
        """Return value · exp(log) with each row's largest entry made 1."""
        value = value.double()
        size = largest_entry(value)
        empty = size == 0
        scale = torch.where(empty, -torch.inf, size.log() + log)
        return cls(value / torch.where(empty, 1, size).unsqueeze(-1), scale)

    @classmethod
    def zeros(cls, *shape: int, like: Tensor) -> "Scaled":
        """Return rows of zeros, on the device of a tensor."""
        value = torch.zeros(shape, dtype=torch.float64, device=like.device)
        return cls(value, value.new_full(shape[:-1], -torch.inf))

    @classmethod
    def cat(cls, parts: Sequence["Scaled"]) -> "Scaled":
        """Put rows behind each other along their first axis."""
        if len(parts) == 1:
            return parts[0]
        return cls(torch.cat([part.value for part in parts]), torch.cat([part.log for part in parts]))

    def __getitem__(self, steps: slice) -> "Scaled":
        return Scaled(self.value[steps], self.log[steps])

    def __add__(self, other: "Scaled") -> "Scaled":
        top = torch.maximum(self.log, other.log)
        return Scaled.of(self.relative_to(top) + other.relative_to(top), finite(top))

    def relative_to(self, log: Tensor) -> Tensor:
        """Return the rows in units of exp(log), (..., F)."""
        return self.value * (self.log - finite(log)).exp().unsqueeze(-1)

    def map(self, linear: Callable[[Tensor], Tensor]) -> "Scaled":
        """Apply a map that is linear in each row."""
        return Scaled.of(linear(self.value), self.log)

    def placed(self, first: int, steps: int) -> "Scaled":
        """Return the rows from `first` on among zeros along the first axis, `steps` in all."""
        rest = (first, steps - first - self.value.size(0))
        before, after = (Scaled.zeros(count, *self.value.shape[1:], like=self.value) for count in rest)
        return Scaled.cat([part for part in (before, self, after) if part is self or len(part.log)])

    def extended(self, steps: int) -> "Scaled":
        """Return the rows with zeros behind them along the first axis, `steps` in all."""
        return self.placed(0, steps)

    def log_norm(self, columns: slice = slice(None)) -> Tensor:
        """Return the natural log of the Euclidean norm of each row, (...), over some of its columns."""
        norm: Tensor = torch.linalg.vector_norm(self.value[..., columns], dim=-1)
        return self.log + norm.log()


def largest_entry(rows: Tensor) -> Tensor:
    """Return the size of the largest entry of each row, (...): without a copy of all sizes."""
    return torch.maximum(rows.amax(-1), rows.amin(-1).neg())


def finite(log: Tensor) -> Tensor:
    """Return the logs with -inf, the scale of nothing, replaced by 0: any scale will do for zeros."""
    return torch.where(log.isinf(), 0, log)

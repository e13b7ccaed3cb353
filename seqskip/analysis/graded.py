"""Singular values of long products of matrices, which no floating-point number could hold side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.analysis.scaled import finite

SWEEPS = 40  # of Jacobi; it converges quadratically, and ten are many
NEAR = 1e-4  # σ_k / σ_1 down to which a dense decomposition gives ln σ_k to 1e-11
ORTHOGONAL = 1e-13  # a cosine this small moves ln σ by no more


@dataclass(frozen=True, eq=False)
class Graded:
    """Square matrices diag(e^log) U with rows of U of norm 1, or 0 where log = -inf; (B, k, k) and (B, k)."""

    rows: Tensor
    log: Tensor

    @classmethod
    def identity(cls, like: Tensor) -> "Graded":
        """Return the identity for each R of (B, k, k)."""
        rows = torch.eye(like.size(-1), dtype=like.dtype, device=like.device).expand_as(like)
        return cls(rows, like.new_zeros(like.shape[:-1]))

    def after(self, r: Tensor) -> "Graded":
        """Return R diag(e^log) U for upper triangular R, (B, k, k)."""
        logs = r.abs().log() + self.log.unsqueeze(-2)
        top = logs.amax(-1)
        rows = (r.sign() * (logs - finite(top).unsqueeze(-1)).exp()) @ self.rows
        return _normalised(rows, top)

    def log_singular_values(self, k: int) -> Tensor:
        """Return ln σ_1, ..., ln σ_k, (B, k), largest first; -inf where a row is 0 or depends on the others."""
        top = finite(self.log.amax(-1, keepdim=True))
        values: Tensor = torch.linalg.svdvals((self.log - top).exp().unsqueeze(-1) * self.rows)[:, :k]
        if bool((values[:, -1] > NEAR * values[:, 0]).all()):  # exact relative to the largest: enough so near to it
            return top + values.log()
        return self._jacobi()[:, :k]

    def _jacobi(self) -> Tensor:
        """Return ln σ_1, ..., largest first, by one-sided Jacobi (Hestenes 1958).

        Pairs of rows are rotated until all are orthogonal; their norms are then the singular values, each exact
        relative to itself (Demmel & Veselić 1992). The scales of a pair enter by their ratio alone: nothing
        underflows.
        """
        rows, log = self.rows, self.log
        for _ in range(SWEEPS):
            largest = 0.0
            for one, other in _rounds(rows.size(-1)):
                rows, log, cosine = _rotate(rows, log, one, other)
                largest = max(largest, cosine)
            if largest <= ORTHOGONAL:
                break
        return log.sort(-1, descending=True).values


def _rotate(rows: Tensor, log: Tensor, one: list[int], other: list[int]) -> tuple[Tensor, Tensor, float]:
    """Make the rows of each pair (one[n], other[n]) orthogonal; return also the largest cosine there was between two.

    With the larger row p, the smaller q, both of norm 1, their ratio e^δ ≤ 1 and γ = p · q, the rotation by an
    angle of tangent e^δ τ gives p - e^(2δ) τ' q and q + τ p: for δ → -∞ a projection, τ = -γ.
    """
    swap = log[:, one] < log[:, other]
    p, q = _exchange(swap.unsqueeze(-1), rows[:, one], rows[:, other])
    log_p, log_q = _exchange(swap, log[:, one], log[:, other])
    gamma = (p * q).sum(-1)
    square = (2 * (log_q - finite(log_p))).exp()  # e^(2δ)
    root = ((1 - square) ** 2 + 4 * square * gamma**2).sqrt()
    tau = torch.where(gamma == 0, 0, -2 * gamma / ((1 - square) + root))
    cosine = 1 / (1 + square * tau**2).sqrt()
    new_p = _normalised(cosine.unsqueeze(-1) * (p - (square * tau).unsqueeze(-1) * q), log_p)
    new_q = _normalised(cosine.unsqueeze(-1) * (q + tau.unsqueeze(-1) * p), log_q)
    rows, log = rows.clone(), log.clone()
    # Each row goes back to its own place: rows that changed places would meet again and others never.
    rows[:, one], rows[:, other] = _exchange(swap.unsqueeze(-1), new_p.rows, new_q.rows)
    log[:, one], log[:, other] = _exchange(swap, new_p.log, new_q.log)
    return rows, log, float(gamma.abs().max())


def _exchange(swap: Tensor, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(swap, b, a), torch.where(swap, a, b)


def _normalised(rows: Tensor, log: Tensor) -> Graded:
    """Return rows e^log as a `Graded`; a row within the rounding of the numbers it came from, of size 1, is 0."""
    norm: Tensor = torch.linalg.vector_norm(rows, dim=-1)
    empty = (norm <= rows.size(-1) * torch.finfo(rows.dtype).eps) | log.isinf()
    unit = torch.where(empty.unsqueeze(-1), 0, rows / torch.where(empty, 1, norm).unsqueeze(-1))
    return Graded(unit, torch.where(empty, -torch.inf, log + norm.log()))


def _rounds(k: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield rounds of disjoint pairs, each pair of k rows once: the circle method of a tournament."""
    half = (k + 1) // 2
    ring = list(range(2 * half))  # with a row too many where k is odd: who meets it rests
    for _ in range(2 * half - 1):
        pairs = [pair for pair in zip(ring[:half], ring[: -half - 1 : -1], strict=True) if max(pair) < k]
        if pairs:
            yield [a for a, _ in pairs], [b for _, b in pairs]
        ring = [ring[0], ring[-1], *ring[1:-1]]

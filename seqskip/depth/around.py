"""All that stands round f(x; W): the shortcut, the normalisation, and what is dropped in training."""

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from typing_extensions import Self

from seqskip.depth.joins import Join
from seqskip.depth.norms import normalise


@dataclass(frozen=True, eq=False, kw_only=True)
class Around:
    """z = norm(join(x, f(x; W))), or z = join(x, f(norm(x); W)) with `norm_first`; z = f(x; W) without a join."""

    join: Join | None = None
    norm: nn.Module | None = None
    norm_first: bool = False
    dropout: float = 0.0  # probability with which a number of f is dropped
    drop_path: float = 0.0  # probability with which the whole f of a sample is
    variational: float = 0.0  # probability with which one of f's features is dropped for a sample's whole sequence
    kept: Tensor | None = None  # (B, 1) or (B, H): what of f samples keep, and how much more that counts; None for all

    def with_kept(self, batch: int, size: int, like: Tensor) -> Self:
        """Return the same for one call on B samples in training: what each keeps of f is drawn once for all steps.

        Args:
            size: features H of f.
            like: tells device and dtype.
        """
        kept = _kept(like, batch, self.drop_path) if self.drop_path else None
        if self.variational:
            features = F.dropout(like.new_ones(batch, size), self.variational)
            kept = features if kept is None else features * kept
        return self if kept is None else replace(self, kept=kept)

    @property
    def answers_plainly(self) -> bool:
        """Whether z = f(x; W), but for dropout."""
        return self.join is None and self.kept is None and (self.norm is None or self.norm_first)

    def read(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return what f reads, from the input x, (T, B, I)."""
        return normalise(self.norm, x, lengths) if self.norm is not None and self.norm_first else x

    def answer(self, x: Tensor, f: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return z from the input x, (T, B, I), and f(x; W), (T, B, H); dropout acts on f, never on the shortcut."""
        if self.dropout:
            f = F.dropout(f, self.dropout)
        if self.kept is not None:
            f = f * self.kept
        z = f if self.join is None else self.join(x, f)
        return normalise(self.norm, z, lengths) if self.norm is not None and not self.norm_first else z


def _kept(like: Tensor, batch: int, probability: float) -> Tensor:
    """Return 0 for the samples that lose f and 1 / (1 - p) for the others, so that the mean stays, (B, 1)."""
    # In float32 at least: half precision knows few small probabilities.
    wide = torch.promote_types(like.dtype, torch.float32)
    drawn = torch.rand(batch, 1, device=like.device, dtype=wide) >= probability
    return drawn.to(like.dtype) / (1 - probability) if probability < 1 else torch.zeros_like(drawn, dtype=like.dtype)

"""What a layer with combine="learned" has learned: how much of each delay its units are read with."""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.delays import LayerDelays


@dataclass(frozen=True, eq=False)
class LearnedDelays:
    """The shares α of one layer's delays, m_t = Σ_k α_k ⊙ h_{t-d_k}, for each unit of the state that is read.

    `print` shows them as a table: the mean share of each delay, and how many units are read with it most of all.
    """

    layer: int
    reverse: bool  # of the direction that reads backwards
    delays: LayerDelays  # d_k, ascending
    shares: Tensor  # (K, H), each column sums to 1

    @property
    def mean(self) -> Tensor:
        """The mean delay of each unit, Σ_k α_k d_k steps, (H,)."""
        return self._steps @ self.shares.to(self._steps)

    @property
    def favourite(self) -> Tensor:
        """The delay of each unit's largest share, (H,)."""
        return self._steps[self.shares.argmax(0)]

    @property
    def _steps(self) -> Tensor:
        # Half precision cannot tell 256 from 257 steps.
        dtype = torch.promote_types(self.shares.dtype, torch.float32)
        return torch.tensor(self.delays, dtype=dtype, device=self.shares.device)

    def __str__(self) -> str:
        name = f"layer {self.layer}{', reverse' if self.reverse else ''}"
        first = f"{name}: mean delay {self.mean.mean():.4g} steps over {self.shares.size(1)} units"
        units = (self.favourite == self._steps.unsqueeze(1)).sum(1).tolist()
        rows = zip(self.delays, self.shares.mean(1).tolist(), units, strict=True)
        return "\n".join([first, "  delay  share  units", *(f"{d:7g} {share:6.3f} {n:6d}" for d, share, n in rows)])

"""The numbers of a case: the same weights, input and upstream gradient for every contender."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

import seqskip
from seqskip.benchmark.cases import Case
from seqskip.layers import TorchLayer
from seqskip.recurrent import Recurrent


@dataclass(frozen=True, eq=False)
class Problem:
    """A case with its numbers; whoever has the same recurrence must get the same answer."""

    case: Case
    weights: dict[str, Tensor]  # by torch.nn's names, "weight_ih_l0" first; weight_hh_l0 is [U_d1 ... U_dK]
    x: Tensor  # (T, B, I)
    upstream: Tensor  # ∂L/∂h, (T, B, H)

    def beginning(self, steps: int) -> "Problem":
        """Return the problem of the first time steps alone."""
        return replace(self, x=self.x[:steps], upstream=self.upstream[:steps])

    def doubled(self) -> "Problem":
        """Return the same numbers in float64."""
        weights = {name: weight.double() for name, weight in self.weights.items()}
        return replace(self, weights=weights, x=self.x.double(), upstream=self.upstream.double())

    def without_skips(self) -> dict[str, Tensor]:
        """Return weights for torch.nn's layer: of the recurrent matrices the first alone."""
        hidden = self.case.shape[3]
        return {name: w[:, :hidden] if name == "weight_hh_l0" else w for name, w in self.weights.items()}


def draw(case: Case, seed: int = 0) -> Problem:
    """Draw weights as torch.nn does, a standard normal input, and a standard normal upstream gradient."""
    batch, steps, inputs, hidden = case.shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        weights = {name: w.detach() for name, w in layer_of(case, "reference").state_dict().items()}
        dtype = getattr(torch, case.dtype)
        x, upstream = torch.randn(steps, batch, inputs, dtype=dtype), torch.randn(steps, batch, hidden, dtype=dtype)
    return Problem(case, weights, x, upstream)


def layer_of(case: Case, backend: str, dtype: torch.dtype | None = None) -> Recurrent:
    """Return the seqskip layer of a case; ValueError where this engine cannot run it."""
    layer: type[TorchLayer] = getattr(seqskip, case.layer)
    return layer(
        *case.shape[2:],
        delays=case.delays,
        combine=case.combine,
        backend=backend,
        dtype=dtype or getattr(torch, case.dtype),
    )

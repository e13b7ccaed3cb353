"""What the loss itself says about the states of a layer, cut out for some steps at a time: no copy of the whole."""

from dataclasses import dataclass

import torch
from torch import Tensor

from seqskip.lengths import pick


@dataclass(frozen=True, eq=False)
class OuterGradient:
    """∂L/∂ of one part of the state, h or c, by way of the layer's results."""

    time: int
    output: Tensor | None  # ∂L/∂ of the states of all steps, (T, B, H)
    last: Tensor | None  # ∂L/∂ of the last states, (D, B, H)
    lengths: Tensor | None

    def of(self, first: int, last: int) -> Tensor | None:
        """Return it for the time steps first to last - 1, (N·B, H), or None where the loss says nothing at all."""
        total = None if self.output is None else self.output[first:last]
        if self.last is not None:
            ended = self._of_last(self.last, first, last)
            total = ended if total is None else ended.add_(total)
        return None if total is None else total.reshape(-1, total.size(2)).contiguous()

    def of_initial(self) -> Tensor | None:
        """Return it for the states before the first step, (D, B, H): a short sequence ends with some of them."""
        return None if self.last is None else self._of_last(self.last, -self.last.size(0), 0)

    def _of_last(self, grad: Tensor, first: int, last: int) -> Tensor:
        """Return what `grad`, of the last states, says about the steps first to last - 1, (N, B, H)."""
        depth = grad.size(0)
        if self.lengths is None:
            spread, before = grad.new_zeros(last - first, *grad.shape[1:]), self.time - depth
            begin = min(max(first, before), last)  # from here on the steps are among the last
            spread[begin - first :] = grad[begin - before : last - before]
            return spread
        place = torch.arange(first, last, device=grad.device).unsqueeze(1) - self.lengths + depth  # (N, B)
        found = pick(grad, place.clamp(0, depth - 1))
        return found.masked_fill_(((place < 0) | (place >= depth)).unsqueeze(2), 0)

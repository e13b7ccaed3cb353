"""Normalisation of what a layer reads or answers."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from seqskip.lengths import cleared, padding

NORMS: dict[str, Callable[..., nn.Module]] = {
    "layer": nn.LayerNorm,  # each step of each sample by itself
    "rms": nn.RMSNorm,  # the same without the mean
    "batch": nn.BatchNorm1d,  # each feature over all steps of all samples: in training they see each other
}
OVER_FEATURES = ("layer", "rms")
_TWO_ROWS = "norm='batch' in training needs two or more steps or samples"


def normalise(norm: nn.Module, x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return x (T, B, F), or (B, F) without lengths, normalised.

    What stands in the padding counts for nothing and comes out as 0.
    """
    over_rows = isinstance(norm, nn.modules.batchnorm._BatchNorm)
    if over_rows and norm.training and lengths is not None:
        steps = _steps_within(lengths, x.size(0))
        rows = _over_rows(norm, x.flatten(0, 1).index_select(0, steps))
        return rows.new_zeros(x.size(0) * x.size(1), x.size(2)).index_copy(0, steps, rows).view(x.shape)
    normed: Tensor = _over_rows(norm, x.flatten(0, -2)).view(x.shape) if over_rows else norm(x)
    return normed if lengths is None else cleared(normed, lengths)


def _steps_within(lengths: Tensor, steps: int) -> Tensor:
    """Return where in (T·B,) the steps lie that are no padding."""
    within = (~padding(lengths, steps)).flatten()
    if not torch.compiler.is_compiling():
        return within.nonzero().squeeze(1)
    torch._assert_async(within.sum() > 1, _TWO_ROWS)  # the graph does not know how many there are before it runs
    found = within.nonzero().squeeze(1)
    torch._check(found.size(0) > 1)  # type: ignore[no-untyped-call]
    return found


def _over_rows(norm: nn.Module, rows: Tensor) -> Tensor:
    """Return the rows (N, F) normalised by their own mean and variance in training."""
    if norm.training and rows.size(0) == 1:
        raise ValueError(
            f"{_TWO_ROWS}, got 1, which has no variance; call .eval(), give more, or use norm='layer' or 'rms'"
        )
    normed: Tensor = norm(rows)
    return normed

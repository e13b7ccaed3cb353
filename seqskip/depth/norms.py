"""Normalisation of what a layer reads or answers."""

from collections.abc import Callable

from torch import Tensor, nn

from seqskip.lengths import cleared, padding

NORMS: dict[str, Callable[..., nn.Module]] = {
    "layer": nn.LayerNorm,  # each step of each sample by itself
    "rms": nn.RMSNorm,  # the same without the mean
    "batch": nn.BatchNorm1d,  # each feature over all steps of all samples: in training they see each other
}
OVER_FEATURES = ("layer", "rms")


def normalise(norm: nn.Module, x: Tensor, lengths: Tensor | None) -> Tensor:
    """Return x (T, B, F), or (B, F) without lengths, normalised.

    What stands in the padding counts for nothing and comes out as 0.
    """
    over_rows = isinstance(norm, nn.modules.batchnorm._BatchNorm)
    if over_rows and norm.training and lengths is not None:
        steps = (~padding(lengths, x.size(0))).flatten().nonzero().squeeze(1)
        rows = _over_rows(norm, x.flatten(0, 1).index_select(0, steps))
        return rows.new_zeros(x.size(0) * x.size(1), x.size(2)).index_copy(0, steps, rows).view(x.shape)
    normed: Tensor = _over_rows(norm, x.flatten(0, -2)).view(x.shape) if over_rows else norm(x)
    return normed if lengths is None else cleared(normed, lengths)


def _over_rows(norm: nn.Module, rows: Tensor) -> Tensor:
    """Return the rows (N, F) normalised by their own mean and variance in training."""
    if norm.training and rows.size(0) == 1:
        raise ValueError(
            "norm='batch' in training needs two or more steps or samples, got 1, which has no variance; "
            "call .eval(), give more, or use norm='layer' or 'rms'"
        )
    normed: Tensor = norm(rows)
    return normed

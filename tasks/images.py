"""Images as sequences, a pixel or a row a step."""

import numpy as np
import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.finite import ClassifiedSet

PERMUTATION = 92916  # seed of the permutation that the published numbers of permuted MNIST have used


class ImageSet(ClassifiedSet):
    """Square images of ten classes, stored as (N, side, side).

    Args:
        side: S, pixels of a row and of a column as they are read.
        permuted: whether the pixels come in an order of numpy's RandomState(92916).permutation(S * S).
        rows: whether a step is a row of S pixels; False: one pixel.
    """

    output_size = 10
    classes = tuple("0123456789")

    def __init__(self, side: int, permuted: bool, rows: bool):
        self.side = side
        self.permuted, self.rows = checks.boolean("permuted", permuted), checks.boolean("rows", rows)
        self.input_size = side if rows else 1
        self.lag = side - 1 if rows else side * side - 1
        order = np.random.RandomState(PERMUTATION).permutation(side * side) if permuted else np.arange(side * side)
        self._order = torch.from_numpy(order)

    def sequences(self, images: Tensor) -> Tensor:
        """Return images (B, S, S) as inputs, (B, S*S, 1) or (B, S, S)."""
        return images.flatten(1).index_select(1, self._order).reshape(len(images), self.lag + 1, -1)

"""Handwritten digits of 8 x 8 pixels, read a pixel at a time: real data without a download."""

import functools

import torch
from torch import Tensor

from seqskip.tasks.finite import Samples, stratified
from seqskip.tasks.images import ImageSet
from seqskip.tasks.optional import AGAIN, data_file
from seqskip.tasks.tables import read_table


class SequentialDigits(ImageSet):
    """Tell which digit was written, from its 64 pixels one after the other.

    The first sample, with pixels from 0 to 16 shown in place of x = pixel / 16, row after row; x is (B, 64, 1):

        x * 16 = 0 0 5 13 9 1 0 0   0 0 13 15 10 15 5 0   0 3 15 2 0 11 8 0   0 4 12 0 0 8 8 0
                 0 5 8 0 0 9 8 0    0 4 11 0 1 12 7 0     0 2 14 5 10 12 0 0  0 0 6 13 10 0 0 0
        y      = 0

    The 1,797 images are those that come with scikit-learn: the test set of UCI's "Optical Recognition of Handwritten
    Digits", 13 writers. Of each digit, shuffled by RandomState(0), 20 % are for the test, 10 % for validation and the
    rest for training (1,259, 179 and 359 in all); the data do not say who wrote what, so a writer's digits are in each.

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline: the most frequent digit
    of the training set, accuracy 0.1003; the shares of its digits, 2.3025 nats. Solved: accuracy >= 0.96.

    Source: Alpaydin & Kaynak (1998, Kybernetika), after the pixel-by-pixel MNIST of Le, Jaitly & Hinton (2015,
    arXiv 1504.00941).

    Args:
        permuted: whether the pixels come in the fixed order of numpy's RandomState(92916).permutation(64).
        rows: whether a step is a row of 8 pixels, x (B, 8, 8); False: one pixel.

    Raises:
        MissingPackage: a ValueError, with the first samples: scikit-learn is not installed.
    """

    version = 1
    source = "Alpaydin & Kaynak 1998"
    solved_accuracy = 0.96

    def __init__(self, permuted: bool = False, rows: bool = False):
        super().__init__(8, permuted, rows)

    def data(self, split: str) -> Samples:
        return _digits()[split]

    def features(self, stored: Tensor) -> Tensor:
        return self.sequences(super().features(stored) / 16)


@functools.cache
def _digits() -> dict[str, Samples]:
    # The file itself: scikit-learn takes seconds to import and hands out what stands in it.
    path = data_file("datasets/data/digits.csv.gz", ("sklearn",), "SequentialDigits")
    table = read_table(path, 1797, 65)
    x, y = table[:, :-1].reshape(-1, 8, 8).to(torch.uint8), table[:, -1].long()
    if not 0 <= table.min() <= table.max() <= 16 or y.max() > 9:
        raise ValueError(
            f"{path} must hold pixels from 0 to 16 and labels from 0 to 9, got numbers from {table.min():g} to "
            f"{table.max():g} and labels to {y.max()}; {AGAIN}"
        )
    parts = stratified(y, 0.1, 0.2)
    return {name: Samples(x[part], y[part]) for name, part in zip(("train", "val", "test"), parts, strict=True)}

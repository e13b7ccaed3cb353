"""MNIST-1D: digits as curves of 40 points, made by the package of its author."""

import functools
import random

import numpy as np
import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.finite import ClassifiedSet, Samples, stratified
from seqskip.tasks.optional import INSTALL


class MNIST1D(ClassifiedSet):
    """Tell which digit a curve of 40 points was made of, however it is stretched, moved, tilted and buried in noise.

    The first sample of the test set, x of shape (B, 40, 1):

        x = -0.08 -0.21 -0.09  0.28  0.33  0.04 -0.53 -0.45  0.22  0.68  0.56 -0.44 -0.79 -0.24 -0.09 -0.36 -0.93 -1.18
            -1.00 -1.17 -1.08 -0.31  0.09 -0.05 -0.10  1.02  1.49  1.17  0.25 -0.33 -1.03 -0.91 -0.06  0.13 -1.02 -0.60
             0.42  1.13  0.85  0.35
        y = 2

    Made once in a process by the package mnist1d with its own default arguments, seed 42 among them: 4,000 samples, of
    which 10 % of each digit, shuffled by RandomState(0), are for validation (399), and 1,000 for the test.

    Loss: cross-entropy in nats after the last step. Metrics: accuracy, and that loss. Baseline: the most frequent digit
    of the training set, accuracy 0.0890; the shares of its digits, 2.3033 nats. Solved: accuracy >= 0.91, what the
    author gives for a GRU (68 % for an MLP, 94 % for a CNN, 96 % for people).

    Source: Greydanus (2020, arXiv 2011.14439).

    Raises:
        MissingPackage: a ValueError, with the first samples: mnist1d is not installed.
    """

    version = 1
    source = "Greydanus 2020"
    input_size = 1
    output_size = 10
    lag = 39
    inputs = ("height",)
    classes = tuple("0123456789")
    solved_accuracy = 0.91

    def data(self, split: str) -> Samples:
        return _curves()[split]

    def features(self, stored: Tensor) -> Tensor:
        return super().features(stored).unsqueeze(-1)


@functools.cache
def _curves() -> dict[str, Samples]:
    package = checks.module("mnist1d.data", "MNIST1D", INSTALL)
    before = random.getstate(), np.random.get_state()
    try:
        made = package.make_dataset()  # seeds the global generators, and draws from them
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
    x, y, x_test, y_test = (torch.from_numpy(made[name]) for name in ("x", "y", "x_test", "y_test"))
    train, val = stratified(y, 0.1)
    return {"train": Samples(x[train], y[train]), "val": Samples(x[val], y[val]), "test": Samples(x_test, y_test)}

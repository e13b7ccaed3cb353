"""Cycle navigation: where a walk on a circle ends."""

import math
from collections.abc import Sequence

from torch import Tensor

from seqskip.tasks.regular import RegularLanguage


class CycleNavigation(RegularLanguage):
    """Tell where a walk on a circle of five places ends that began at place 0.

        x = + - 0 - -        one-hot: a step back, none, a step forward
        y = 3                -2 modulo 5; softmax over 5 classes, after the last step

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: always the most frequent place, 0; after N
    steps place s has the share 1/5 Σ_k ((1 + 2 cos 2πk/5) / 3)^N cos 2πks/5, k = 0..4, that is 0.21 and 1.6086 nats in
    training on 1..40, 0.2 and ln 5 = 1.6094 beyond. Solved: accuracy >= 0.99.

    Source: Deletang et al. (2023, arXiv 2207.02098, "Cycle Navigation") and their code
    (google-deepmind/neural_networks_chomsky_hierarchy), whose score is the accuracy on lengths 41..500.

    Args:
        longest: most letters of a string in training, L; validation has L+1 to 2L.
        longest_test: most letters of a string in the test, which begins at L+1.
    """

    inputs = ("-", "0", "+")
    classes = ("0", "1", "2", "3", "4")

    def answers(self, letters: Tensor, inside: Tensor) -> Tensor:
        return ((letters - 1) * inside).sum(1) % 5

    def shares(self, length: int) -> Sequence[float]:
        turns = [2 * math.pi * k / 5 for k in range(5)]
        return [sum(((1 + 2 * math.cos(a)) / 3) ** length * math.cos(a * s) for a in turns) / 5 for s in range(5)]

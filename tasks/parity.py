"""Parity and even pairs: whether the ones of a string are odd in number, or its changes are."""

from collections.abc import Sequence

from torch import Tensor

from seqskip.tasks.regular import RegularLanguage


class Parity(RegularLanguage):
    """Tell whether the number of ones is odd.

        x = 1 0 1 1        one-hot
        y = odd            class 1; softmax over 2 classes, after the last step

    Every single letter turns the answer, so it has to be kept up to date at every step, whatever is skipped.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: accuracy 0.5, ln 2 = 0.6931 nats. Solved:
    accuracy >= 0.99.

    Source: Deletang et al. (2023, arXiv 2207.02098, "Parity Check") and their code
    (google-deepmind/neural_networks_chomsky_hierarchy), whose score is the accuracy on lengths 41..500.

    Args:
        longest: most letters of a string in training, L; validation has L+1 to 2L.
        longest_test: most letters of a string in the test, which begins at L+1.
    """

    inputs = ("0", "1")
    classes = ("even", "odd")

    def answers(self, letters: Tensor, inside: Tensor) -> Tensor:
        return (letters * inside).sum(1) % 2

    def shares(self, length: int) -> Sequence[float]:
        return 1 / 2, 1 / 2


class EvenPairs(RegularLanguage):
    """Tell whether the pairs 01 and 10 are odd in number: whether the last letter differs from the first.

        x = 0 0 1 0 0 1        one-hot
        y = odd                class 1, one 10 and two 01; softmax over 2 classes, after the last step

    The first letter is all that has to be kept, over all steps: a latch.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: always "even" is right at 1/2, and for the
    strings of one letter besides, 0.5125 and 0.6928 nats in training on 1..40, 0.5 and 0.6931 beyond. Solved:
    accuracy >= 0.99.

    Source: Deletang et al. (2023, arXiv 2207.02098, "Even Pairs") and their code
    (google-deepmind/neural_networks_chomsky_hierarchy), whose score is the accuracy on lengths 41..500.

    Args:
        longest: most letters of a string in training, L; validation has L+1 to 2L.
        longest_test: most letters of a string in the test, which begins at L+1.
    """

    inputs = ("0", "1")
    classes = ("even", "odd")

    def answers(self, letters: Tensor, inside: Tensor) -> Tensor:
        last = letters.gather(1, inside.sum(1, keepdim=True) - 1).squeeze(1)
        return (letters[:, 0] != last).long()

    def shares(self, length: int) -> Sequence[float]:
        return (1.0, 0.0) if length == 1 else (1 / 2, 1 / 2)

"""Modular arithmetic: the value of a sum of products, modulo 5."""

from collections.abc import Sequence

import torch
from torch import Tensor

from seqskip.tasks.regular import RegularLanguage

MINUS, TIMES = 6, 7
# Modulo 5, the digits 1 to 4 are powers of 2, so that a product of many becomes a sum of exponents, modulo 4.
EXPONENTS, POWERS = (0, 0, 1, 3, 2), (1, 2, 4, 3)


class ModularArithmetic(RegularLanguage):
    """Tell the value, modulo 5, of an expression without brackets, in which products come before sums.

        x = 1 - 2 * 4        one-hot; digits 0..4, and +, -, * between them
        y = 3                -7 modulo 5; softmax over 5 classes, after the last step

    Digits and operators are uniform. Expressions have an odd number of letters; odd numbers are as frequent as one
    another, as they are in the source, where even ones lose a letter.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: always the most frequent value, 0; it has
    the share (1 + 4a)/5 among expressions of m digits, a the mean over the ways to cut m digits into terms, each gap
    with probability 2/3, of the product of 1 - 5/4 (4/5)^r over the terms' numbers of digits r: 0.206 and 1.6093 nats
    in training on 1..40, 0.2 and ln 5 = 1.6094 beyond. Solved: accuracy >= 0.99.

    Source: Deletang et al. (2023, arXiv 2207.02098, "Modular Arithmetic (Simple)") and their code
    (google-deepmind/neural_networks_chomsky_hierarchy), which has one more letter, for a blank that never comes; their
    score is the accuracy on lengths 41..500.

    Args:
        longest: most letters of an expression in training, L; validation has L+1 to 2L.
        longest_test: most letters of an expression in the test, which begins at L+1.
    """

    stride = 2
    inputs = ("0", "1", "2", "3", "4", "+", "-", "*")
    classes = ("0", "1", "2", "3", "4")

    def letters(self, n: int, steps: int, generator: torch.Generator) -> Tensor:
        letters = torch.empty(n, steps, dtype=torch.long)
        letters[:, ::2] = torch.randint(5, (n, steps // 2 + 1), generator=generator)
        letters[:, 1::2] = torch.randint(5, 8, (n, steps // 2), generator=generator)
        return letters

    def answers(self, letters: Tensor, inside: Tensor) -> Tensor:
        digits = letters[:, ::2].where(inside[:, ::2], 1)  # (n, m), and beyond the end a product with 1
        operators = letters[:, 1::2].where(inside[:, 1::2], TIMES)
        digits[:, 1:] = torch.where(operators == MINUS, -digits[:, 1:] % 5, digits[:, 1:])  # a - b * c = a + (-b) * c
        term = torch.nn.functional.pad((operators != TIMES).cumsum(1), (1, 0))  # (n, m), the term that a digit is in
        exponents = torch.zeros_like(digits).scatter_add_(1, term, torch.tensor(EXPONENTS)[digits])
        zeros = torch.zeros_like(digits).scatter_add_(1, term, (digits == 0).long())
        values = torch.tensor(POWERS)[exponents % 4]
        there = torch.arange(digits.size(1)) <= term[:, -1:]
        return (values * (there & (zeros == 0))).sum(1) % 5

    def shares(self, length: int) -> Sequence[float]:
        # A unit times the first digit of each term is that unit times the value: 1 to 4 are equally frequent. Hence for
        # a fifth root of unity w, a = E w^value is the same whichever the root, and of a term it is 1 - 5/4 (4/5)^r.
        ended, last = 1.0, 4 / 5  # E of the product over all terms but the last one, and that times (4/5)^r of the last
        for _ in range(length // 2):
            cut = ended - 5 / 4 * last
            ended, last = ended / 3 + 2 / 3 * cut, 4 / 5 * (last / 3 + 2 / 3 * cut)
        zero = (1 + 4 * (ended - 5 / 4 * last)) / 5
        return zero, *[(1 - zero) / 4] * 4

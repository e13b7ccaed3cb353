"""Lag copy and temporal XOR: at every step, what was read so many steps ago."""

import math

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Labelling, one_hot


class LagCopy(Labelling):
    """Repeat at every step the symbol of `lag` steps before: y_t = x_{t-lag}.

    One sample with T=8, lag=3, A=4, time from left to right:

        x = 2 0 3 1 1 2 0 3        symbols, i.i.d. uniform in 0..A-1, one-hot, (B, T, A)
        y = . . . 2 0 3 1 1        (B, T); softmax over A classes, not asked in the first `lag` steps

    A delay line of `lag` steps solves it and nothing shorter does: the plainest probe of how far a memory reaches.

    Loss: mean cross-entropy over the T - lag steps asked, in nats. Metrics: accuracy over them, and that loss.

    Baseline (no memory): accuracy 1/A, ln A nats; for A=8 that is 0.125 and 2.079. Solved: accuracy >= 0.99.

    Source: Gu, Goel & Re (2022, arXiv 2111.00396), in their code (state-spaces/s4, src/dataloaders/datasets/copying.py,
    lag=True), but for the first steps, which have the answer 0 there, and for A, which counts two tokens more there,
    that x never has.

    Args:
        length: T, time steps of one sample.
        lag: steps between a symbol and its repetition.
        alphabet: A.
    """

    version = 1
    source = "Gu et al. 2022"

    def __init__(self, length: int = 300, lag: int = 100, alphabet: int = 8):
        self.length = checks.integer("length", length, 2)
        self.lag = _within("lag", checks.integer("lag", lag, 1), length)
        self.input_size = self.output_size = checks.integer("alphabet", alphabet, 2)
        self.inputs = self.classes = [str(symbol) for symbol in range(alphabet)]
        self.scored_share = 1 - lag / length

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        symbols = torch.randint(self.output_size, (n, self.length), generator=generator)
        y, mask = _later(symbols[:, : -self.lag], self.lag)
        return Batch(one_hot(symbols, self.output_size), y, mask)

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 1 / self.output_size, "loss": math.log(self.output_size)}


class TemporalXOR(Labelling):
    """Tell at every step the exclusive or of bits that lie multiples of d steps back.

    Of order h it is nested over 2^h bits: y_t = |...||s_{t-d} - s_{t-2d}| - s_{t-3d}| ... - s_{t-2^h d}|, which is 1 if
    an odd number of them are 1. One sample with T=8, d=2, h=1, time from left to right:

        x = 1 0 1 1 0 0 1 0        bits s, i.i.d. uniform, as numbers, (B, T, 1)
        y = . . . . 0 1 1 1        (B, T); softmax over 2 classes, not asked in the first 2^h d steps

    A lag copy is of order 0. Where even one of the bits is lost nothing is known of the answer.

    Loss: mean cross-entropy over the T - 2^h d steps asked, in nats. Metrics: accuracy over them, and that loss.

    Baseline (no memory): accuracy 1/2, ln 2 = 0.693 nats. Solved: accuracy >= 0.99.

    Source: Engelken (2023, arXiv 2312.17306) and the code of that paper, T=300, d=10; but for the first steps, which
    have the answer 0 there.

    Args:
        length: T, time steps of one sample.
        delay: d.
        order: h; the lag is 2^h d.
    """

    version = 1
    source = "Engelken 2023"
    input_size = 1
    output_size = 2
    classes = ("0", "1")

    def __init__(self, length: int = 300, delay: int = 50, order: int = 1):
        self.length = checks.integer("length", length, 3)
        self.delay = checks.integer("delay", delay, 1)
        self.order = _within("order", checks.integer("order", order, 1), length)  # 2**order is a number of that length
        self.lag = _within("delay * 2**order", delay * 2**order, length)
        self.scored_share = 1 - self.lag / length

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        bits = torch.randint(2, (n, self.length), generator=generator)
        answers = bits[:, : -self.lag]
        for back in range(self.delay, self.lag, self.delay):  # the bits after the earliest
            answers = answers ^ bits[:, self.lag - back : self.length - back]
        y, mask = _later(answers, self.lag)
        return Batch(bits.unsqueeze(-1).to(torch.get_default_dtype()), y, mask)

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 1 / 2, "loss": math.log(2)}


def _within(name: str, lag: int, length: int) -> int:
    if lag >= length:
        raise ValueError(f"{name} must be below length={length}, got {lag}; make it smaller, or length greater")
    return lag


def _later(answers: Tensor, lag: int) -> tuple[Tensor, Tensor]:
    """Return answers (n, T - lag) as those of the last steps of T, and which steps have one."""
    y = torch.nn.functional.pad(answers, (lag, 0))
    mask = torch.ones_like(y, dtype=torch.bool)
    mask[:, :lag] = False
    return y, mask

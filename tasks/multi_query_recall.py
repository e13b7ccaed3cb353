"""Multi-query associative recall: tell the values of keys that were read once, in any order."""

import math

import torch

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Labelling


class MultiQueryRecall(Labelling):
    """Read P pairs of a key and a value, then tell the value of each key when it comes again (MQAR).

    With blank 0, keys 1..V/2-1 and values V/2..V-1, one sample with T=10, P=2, V=8 is, time from left to right:

        x = 2 6 1 4 1 0 0 0 2 0        tokens, (B, T); key 2 has value 6, key 1 has value 4
        y = . . . . 4 . . . 6 .        (B, T); softmax over V classes, asked where a key comes again

    The keys of a sample differ, and so do its values. Each key comes again once, 2g steps after the end of the pairs:
    the g = 0, 1, ... are drawn one key after the other, without replacement, with shares (g+1)^(a-1), so that short
    gaps are more frequent.

    Loss: mean cross-entropy over the P steps asked, in nats. Metrics: accuracy over them, and that loss.

    Baseline (no memory): accuracy 2/V, ln (V/2) nats; for V=128 that is 0.0156 and 4.159. Solved: accuracy >= 0.99.

    Source: Arora et al. (2023, arXiv 2312.04927) and their code (HazyResearch/zoology, zoology/data/multiquery_ar.py);
    theirs are V=8192, a=0.01 and (T, P) = (64, 4), (128, 8), (256, 16), ..., and V is smaller here by default, for
    training on small machines.

    Args:
        length: T, time steps of one sample, even.
        pairs: P, at most T/4.
        vocabulary: V, even.
        power: a of the shares of the gaps; 1 makes them equal.
        random_fill: put any tokens in the place of the blanks, as that code does unless it is told not to, and as its
            published configurations tell it.
    """

    version = 1
    source = "Arora et al. 2023"

    def __init__(
        self,
        length: int = 64,
        pairs: int = 4,
        vocabulary: int = 128,
        power: float = 0.01,
        random_fill: bool = False,
    ):
        self.length = _even("length", checks.integer("length", length, 4))
        self.pairs = checks.integer("pairs", pairs, 1)
        self.num_embeddings = self.output_size = _even("vocabulary", checks.integer("vocabulary", vocabulary, 4))
        self.power = checks.finite("power", power)
        self.random_fill = checks.boolean("random_fill", random_fill)
        _fit(pairs, length, vocabulary)
        keys, values = range(1, vocabulary // 2), range(vocabulary // 2)
        self.inputs = self.classes = [".", *(f"k{key}" for key in keys), *(f"v{value}" for value in values)]
        self.lag = length - 2  # from the first key to the last step where it can come again
        self.scored_share = pairs / length

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        half, context = self.output_size // 2, 2 * self.pairs
        keys = 1 + torch.rand(n, half - 1, generator=generator).topk(self.pairs).indices
        values = half + torch.rand(n, half, generator=generator).topk(self.pairs).indices
        # The first of exponential waits at these rates is a draw by shares (Efraimidis & Spirakis 2006).
        shares = torch.arange(1.0, (self.length - context) // 2 + 1) ** (self.power - 1)
        waits = torch.empty(n, len(shares)).exponential_(generator=generator) / shares
        asked = context + 2 * waits.topk(self.pairs, largest=False).indices
        x, y = torch.zeros(2, n, self.length, dtype=torch.long)
        x[:, :context] = torch.stack((keys, values), -1).flatten(1)
        x.scatter_(1, asked, keys)
        y.scatter_(1, asked, values)
        if self.random_fill:
            x = torch.where(x == 0, torch.randint(self.output_size, x.shape, generator=generator), x)
        return Batch(x, y, y > 0)

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 2 / self.output_size, "loss": math.log(self.output_size / 2)}


def _fit(pairs: int, length: int, vocabulary: int) -> None:
    most = min(length // 4, vocabulary // 2 - 1)
    if pairs > most:
        raise ValueError(
            f"pairs must be at most {most} with length={length}, which has four steps for each, and "
            f"vocabulary={vocabulary}, half of which are keys, got {pairs}; make them greater, or use {most}"
        )


def _even(name: str, value: int) -> int:
    if value % 2:
        raise ValueError(f"{name} must be even, got {value}; use {value + 1}")
    return value

"""Copy memory: repeat some symbols after a long blank, in the four forms that papers have used."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch, Task
from seqskip.tasks.kinds import all_scored, one_hot

LOSSES = ("published", "balanced")
VARIANTS = ("arjovsky", "tcn", "mist", "variable")


class Copying(Task):
    """Recall S symbols after a blank of T steps, in their order, when the marker asks for them.

    With symbols 1..A, blank 0 and marker A+1, one sample with T=5, S=3, A=8 is, time from left to right:

        x = 3 1 8 0 0 0 0 9 0 0 0        one-hot, (B, T+2S, A+2)
        y = 0 0 0 0 0 0 0 0 3 1 8        (B, T+2S); softmax over A+1 classes

    Papers have used it in four forms, whose numbers do not belong in one table:

    - "arjovsky": the one above, S=10 and A=8.
    - "tcn": the marker fills the last S+1 steps, x = 3 1 8 0 0 0 0 9 9 9 9, and is read as one number, (B, T+2S, 1).
    - "mist": S=T/10 and A=10, so that always to answer blank is wrong at S/(T+2S) = 1/12 of the steps whatever T is;
      that share, the error rate over all steps, is a metric too.
    - "variable": the number of blanks before the marker is drawn anew for each sample, uniformly in 1..T; T+2S+1
      steps, and blanks after the recall: x = 3 1 8 0 0 9 0 0 0 0 0 0, y = 0 0 0 0 0 0 3 1 8 0 0 0.

    Loss "published": mean cross-entropy over all steps, in nats. "balanced" is for training only: the mean over the
    recall steps and the mean over the blank steps weigh one half each, so that S steps are not diluted by T; in a chunk
    of a sample each step weighs what it does in the whole. The metrics are the published loss, the cross-entropy over
    the recall steps, and the recall accuracy.

    Baseline (no memory of the symbols, told when to recall): S ln A / (T+2S) nats (variable: T+2S+1), ln A over the
    recall steps, accuracy 1/A; for T=1000, S=10, A=8 that is 0.0204. Error rate of mist: 1/12, the best constant.
    Solved: recall accuracy >= 0.99.

    Source: Arjovsky, Shah & Bengio (2016, arXiv 1511.06464, Section 4.1), after Hochreiter & Schmidhuber (1997);
    tcn: Bai, Kolter & Koltun (2018, arXiv 1803.01271) and their code; mist: DiPietro et al. (2017, arXiv 1702.07805)
    and their code; variable: Tallec & Ollivier (2018, arXiv 1804.11188), after Henaff, Szlam & LeCun (2016).

    Args:
        delay: T, blank steps between the last symbol and the first recall, the marker's step among them; with
            variable the most blanks before the marker.
        symbols: S, by default 10, with mist T/10 and nothing else.
        alphabet: A, by default 8, with mist 10 and nothing else.
        loss: "published" or "balanced".
        variant: "arjovsky", "tcn", "mist" or "variable".
    """

    version = 1
    source = "Arjovsky et al. 2016"
    readout = "every"
    monitor = "loss"  # a net without memory has no recall to be compared by
    higher_is_better = False

    def __init__(
        self,
        delay: int = 1000,
        symbols: int | None = None,
        alphabet: int | None = None,
        loss: str = "published",
        variant: str = "arjovsky",
    ):
        self.variant = checks.choice("variant", variant, VARIANTS)
        self.delay = checks.integer("delay", delay, 1)
        if variant == "mist":
            symbols, alphabet = _mist(delay, symbols, alphabet)
        self.symbols = checks.integer("symbols", 10 if symbols is None else symbols, 1)
        self.alphabet = checks.integer("alphabet", 8 if alphabet is None else alphabet, 2)
        self.training_loss = checks.choice("loss", loss, LOSSES)
        names = (".", *(str(symbol) for symbol in range(1, self.alphabet + 1)), "?")
        self.inputs, self.classes = None if variant == "tcn" else names, names[:-1]
        self.input_size = 1 if variant == "tcn" else self.alphabet + 2
        self.output_size = self.alphabet + 1
        self.lag = self.length - self.symbols

    @property
    def length(self) -> int:
        """Time steps of one sample, T + 2S, or T + 2S + 1."""
        return self.delay + 2 * self.symbols + (self.variant == "variable")

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        message = torch.randint(1, self.alphabet + 1, (n, self.symbols), generator=generator)
        blanks = torch.full((n, 1), self.delay - 1)
        if self.variant == "variable":
            blanks = torch.randint(1, self.delay + 1, (n, 1), generator=generator)
        marker = self.symbols + blanks  # (n, 1), its time step
        y = torch.zeros(n, self.length, dtype=torch.long)
        y.scatter_(1, marker + torch.arange(1, self.symbols + 1), message)
        return Batch(self._shown(message, marker), y, all_scored(y))

    def _shown(self, message: Tensor, marker: Tensor) -> Tensor:
        """Return the inputs of samples with these symbols, (n, S), and the marker at these steps, (n, 1)."""
        tokens = torch.zeros(len(message), self.length, dtype=torch.long)
        tokens[:, : self.symbols] = message
        tokens.scatter_(1, marker, self.alphabet + 1)
        if self.variant != "tcn":
            return one_hot(tokens, self.alphabet + 2)
        tokens[:, -self.symbols :] = self.alphabet + 1
        return tokens.unsqueeze(-1).to(torch.get_default_dtype())

    def loss(self, prediction: Tensor, batch: Batch) -> Tensor:
        if self.training_loss == "published":
            return F.cross_entropy(prediction.flatten(0, 1), batch.y.flatten())
        y = batch.y.flatten()
        entropy = F.cross_entropy(prediction.flatten(0, 1), y, reduction="none")
        share = torch.where(y > 0, self.symbols, self.length - self.symbols)  # steps of its kind in a whole sample
        return (entropy * self.length / (2 * share)).mean()

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        entropy = F.cross_entropy(prediction.transpose(1, 2), batch.y, reduction="none")  # (B, T+2S)
        hits = (prediction.argmax(-1) == batch.y).to(entropy.dtype)
        recall = batch.y > 0
        values = {
            "loss": entropy.mean(1),
            "recall_accuracy": (hits * recall).sum(1) / self.symbols,
            "recall_loss": (entropy * recall).sum(1) / self.symbols,
        }
        return values | ({"error_rate": 1 - hits.mean(1)} if self.variant == "mist" else {})

    def baseline(self) -> dict[str, float]:
        nats, share = math.log(self.alphabet), self.symbols / self.length
        values = {"loss": share * nats, "recall_accuracy": 1 / self.alphabet, "recall_loss": nats}
        return values | ({"error_rate": share} if self.variant == "mist" else {})

    def solved(self, metrics: dict[str, float]) -> bool:
        return metrics["recall_accuracy"] >= 0.99


def _mist(delay: int, symbols: int | None, alphabet: int | None) -> tuple[int, int]:
    """Return S and A of variant="mist", which follow from T."""
    if delay % 10:
        raise ValueError(
            f"delay must be a multiple of 10 with variant='mist', whose symbols are a tenth of it, got {delay}; "
            f"use {delay + 10 - delay % 10}"
        )
    for name, given, fixed in (("symbols", symbols, delay // 10), ("alphabet", alphabet, 10)):
        if given not in (None, fixed):
            raise ValueError(f"{name} must be {fixed} with variant='mist', delay={delay}, got {given!r}; leave it out")
    return delay // 10, 10

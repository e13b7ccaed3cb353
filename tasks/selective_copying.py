"""Selective copying: copy memory whose symbols lie at random steps among blanks."""

import math

import torch

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Labelling


class SelectiveCopying(Labelling):
    """Recall S symbols in their order that lay anywhere among L blanks, when markers ask for them.

    With symbols 1..V-2, blank 0 and marker V-1, one sample with L=5, S=3, V=16 is, time from left to right:

        x = 0 3 0 0 14 7 0 0 15 15 15        tokens, (B, L+2S)
        y = . . . . .  . . . 3  14 7         (B, L+2S); softmax over V classes, asked at the markers alone

    The places of the symbols are a random set of the first L+S steps, so no delay is the same in two samples: a memory
    that does not look at what it reads cannot learn it.

    Loss: mean cross-entropy over the S steps asked, in nats. Metrics: accuracy over them, and that loss.

    Baseline (no memory): accuracy 1/(V-2), ln (V-2) nats; for V=16 that is 0.0714 and 2.639. Solved: accuracy >= 0.99.

    Source: Gu & Dao (2023, arXiv 2312.00752, Section 4.1.1), who use L=4096, S=16, V=16; the generator is that of
    the S4 code (state-spaces/s4, src/dataloaders/datasets/copying.py, variable=True).

    Args:
        blanks: L, steps of the first part beside those of the symbols.
        symbols: S.
        vocabulary: V, symbols, blank and marker together.
    """

    version = 1
    source = "Gu & Dao 2023"

    def __init__(self, blanks: int = 256, symbols: int = 16, vocabulary: int = 16):
        self.blanks = checks.integer("blanks", blanks, 1)
        self.symbols = checks.integer("symbols", symbols, 1)
        self.num_embeddings = self.output_size = checks.integer("vocabulary", vocabulary, 4)
        self.inputs = self.classes = (".", *(str(symbol) for symbol in range(1, vocabulary - 1)), "?")
        self.lag = blanks + symbols  # from a symbol as early as can be
        self.scored_share = symbols / self.length

    @property
    def length(self) -> int:
        """Time steps of one sample, L + 2S."""
        return self.blanks + 2 * self.symbols

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        message = torch.randint(1, self.output_size - 1, (n, self.symbols), generator=generator)
        # The S greatest of random keys are a random set of steps.
        keys = torch.rand(n, self.blanks + self.symbols, generator=generator)
        places = keys.topk(self.symbols, sorted=False).indices.sort().values
        x, y = torch.zeros(2, n, self.length, dtype=torch.long)
        x.scatter_(1, places, message)
        x[:, -self.symbols :] = self.output_size - 1
        y[:, -self.symbols :] = message
        return Batch(x, y, y > 0)

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 1 / (self.output_size - 2), "loss": math.log(self.output_size - 2)}

"""Embedded Reber grammar: tell what may come next, and remember the second symbol to the end."""

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Labelling, one_hot
from seqskip.tasks.reber import LEGAL, SYMBOLS, states, strings


class EmbeddedReber(Labelling):
    """Predict the next symbol of B, T or P, a string of the Reber grammar, the same T or P again, E.

    One sample, time from left to right:

        x = B T B P V V E T        one-hot, (B, T, 7); the last E is only asked for
        y = T B P V V E T E        the symbol after each of x, (B, T)

    A Reber string is written on a walk along arrows, as likely each, from state 0 to 7: 0 -B-> 1; 1 -T-> 2, -P-> 3;
    2 -S-> 2, -X-> 4; 3 -T-> 3, -V-> 5; 4 -X-> 3, -S-> 6; 5 -P-> 4, -V-> 6; 6 -E-> 7. It may be of any length; strings
    of more than `longest` symbols are left out (0.13 % of all for 30), as if they were drawn again. Samples are fresh
    ones, where the source has 256 strings for training and 256 for the test.

    Loss: cross-entropy in nats to the symbol that came. Metrics: `legal`, the share of steps at which every symbol that
    the grammar allows is more active than all others; the accuracy for the last T or P, `recall_accuracy`, which alone
    needs a long memory; and the loss, a mean over a sample's steps.

    Baseline: the best guess from the present symbol alone, computed exactly from all strings and their probabilities:
    for `longest=30` legal 0.5487, loss 1.2446; recall 1/2. Solved: legal and recall_accuracy >= 0.99 (the source: all
    steps of all strings).

    Source: Hochreiter & Schmidhuber (1997, Neural Computation 9(8), Experiment 1), after Reber (1967), Cleeremans et
    al. (1989) and Fahlman (1991).

    Args:
        longest: symbols of the longest string, 9 to 36.
    """

    version = 1
    source = "Hochreiter & Schmidhuber 1997"
    monitor = "legal"
    input_size = output_size = len(SYMBOLS)
    inputs = classes = SYMBOLS

    def __init__(self, longest: int = 30):
        if checks.integer("longest", longest, 9) > 36:
            raise ValueError(f"longest must be at most 36, got {longest}: a million strings are held; use 36 or less")
        self.longest = longest
        self.lag = longest - 4  # from the second symbol to the step that asks for it, two before the last
        every = strings(longest)
        self.scored_share = float(every.probabilities @ (every.lengths - 1).double()) / (longest - 1)

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        every = strings(self.longest)
        drawn = every.draw(n, generator)
        tokens, lengths = every.tokens[drawn].long(), every.lengths[drawn] - 1
        mask = torch.arange(self.longest - 1) < lengths.unsqueeze(1)
        x = one_hot(tokens[:, :-1], len(SYMBOLS)) * mask.unsqueeze(2)
        return Batch(x, tokens[:, 1:], mask, lengths)

    def metrics(self, prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        scored = batch.mask.sum(1)
        legal = LEGAL.to(prediction.device)[states(batch.x.argmax(2))]
        lowest = prediction.masked_fill(~legal, torch.inf).amin(2)
        right = (lowest > prediction.masked_fill(legal, -torch.inf).amax(2)) & batch.mask
        asked = (scored - 2).unsqueeze(1)
        recalled = (prediction.argmax(2) == batch.y).gather(1, asked).squeeze(1)
        return {
            "legal": right.sum(1) / scored,
            "loss": super().metrics(prediction, batch)["loss"],
            "recall_accuracy": recalled.to(prediction.dtype),
        }

    def baseline(self) -> dict[str, float]:
        every = strings(self.longest)
        tokens = every.tokens.long()
        inner = torch.arange(self.longest - 1) < (every.lengths - 1).unsqueeze(1)
        # Each step weighs its string's probability over its string's steps.
        weight = (every.probabilities / (every.lengths - 1)).unsqueeze(1).expand_as(inner)[inner]
        x, y = tokens[:, :-1][inner], tokens[:, 1:][inner]
        allowed = (LEGAL * 2 ** torch.arange(len(SYMBOLS))).sum(1)[
            states(tokens[:, :-1])[inner]
        ]  # a number for each set
        followed = _weights(x, y, weight, len(SYMBOLS))
        guessed = followed / followed.sum(1, keepdim=True)
        return {
            # Sets that may follow the same symbol are equal or disjoint: no order of symbols is right for two of them.
            "legal": float(_weights(x, allowed, weight, 2 ** len(SYMBOLS)).amax(1).sum()),
            "loss": float(-torch.special.xlogy(followed, guessed).sum()),
            "recall_accuracy": 0.5,
        }

    def solved(self, metrics: dict[str, float]) -> bool:
        return min(metrics["legal"], metrics["recall_accuracy"]) >= 0.99


def _weights(x: Tensor, of: Tensor, weight: Tensor, kinds: int) -> Tensor:
    """Return how much weight steps with symbol x and a second number `of` have together, (7, kinds)."""
    size = len(SYMBOLS) * kinds
    return torch.bincount(x * kinds + of, weight, minlength=size).view(len(SYMBOLS), kinds)

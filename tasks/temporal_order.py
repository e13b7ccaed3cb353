"""Temporal order: in which order two or three symbols came, hundreds of steps ago."""

import itertools
import math

import torch
from torch import Tensor

from seqskip import checks
from seqskip.tasks.base import Batch
from seqskip.tasks.kinds import Classification, all_scored, one_hot

NAMES = ("X", "Y", "a", "b", "c", "d", "E", "B")
E, B = 6, 7
FORMS = ("pascanu", "hochreiter")
# Where the windows of the symbols begin, as shares of T; each is T/10 long.
STARTS = {
    ("pascanu", 2): ((1, 10), (5, 10)),
    ("pascanu", 3): ((1, 10), (3, 10), (6, 10)),
    ("hochreiter", 2): ((1, 10), (1, 2)),
    ("hochreiter", 3): ((1, 10), (1, 3), (2, 3)),
}


class TemporalOrder(Classification):
    """Tell the order of two or three symbols X or Y that stand far apart among symbols a to d.

    One sample with T=20 and two symbols, time from left to right:

        x = c a Y b b d a c c a X b d d a b c a d b        one-hot, (B, T, 6)
        y = YX                                             one of XX, XY, YX, YY, asked at the last step

    Form "pascanu", for any T: step t1 uniform in [.1 T, .2 T), t2 in [.5 T, .6 T); with three symbols and 8 classes t1
    in [.1 T, .2 T), t2 in [.3 T, .4 T), t3 in [.6 T, .7 T). Steps count from 0.
    Form "hochreiter", the original at T=100: length uniform in T to 1.1 T, begun by E and ended by the trigger B, eight
    symbols in all; t1 in .1 T to .2 T, t2 in .5 T to .6 T, with three symbols t1 in .1 T to .2 T, t2 from T/3 and t3
    from 2T/3 on, both .1 T wide (33 to 43 and 66 to 76); ends included.

    Loss: cross-entropy in nats. Metrics: accuracy, and that loss. Baseline: every class is as likely, accuracy 1/4 and
    ln 4 = 1.386 nats, with three symbols 1/8 and ln 8. Solved: fewer than 1 % wrong.

    Source: Hochreiter & Schmidhuber (1997, Neural Computation 9(8), Experiment 6); Pascanu, Mikolov & Bengio (2013,
    arXiv 1211.5063) for the scaled form.

    Args:
        length: T.
        symbols: 2 or 3.
        form: "pascanu" or "hochreiter".
    """

    version = 1
    source = "Hochreiter & Schmidhuber 1997"
    inputs: tuple[str, ...]

    def __init__(self, length: int = 200, symbols: int = 2, form: str = "pascanu"):
        self.length = checks.integer("length", length, 10)
        self.form = checks.choice("form", form, FORMS)
        if not checks.is_integer(symbols) or symbols not in (2, 3):
            raise ValueError(f"symbols must be 2 or 3, got {symbols!r}; use 2 for four classes, 3 for eight")
        self.symbols = symbols
        self.original = form == "hochreiter"
        self.longest = length + length // 10 if self.original else length
        self.inputs = NAMES if self.original else NAMES[:6]
        self.classes = tuple(map("".join, itertools.product("XY", repeat=symbols)))
        self.input_size, self.output_size = len(self.inputs), len(self.classes)
        self.lag = self.longest - 1 - length // 10

    def sample(self, n: int, generator: torch.Generator) -> Batch:
        checks.integer("n", n, 1)
        y = torch.randint(self.output_size, (n,), generator=generator)
        tokens = self._tokens(y, generator)
        lengths = None
        if self.original:
            lengths = torch.randint(self.length, self.longest + 1, (n,), generator=generator)
            tokens[:, 0] = E
            tokens.scatter_(1, lengths.unsqueeze(1) - 1, B)
        x = one_hot(tokens, len(self.inputs))
        if lengths is not None:
            x *= (torch.arange(self.longest) < lengths.unsqueeze(1)).unsqueeze(2)
        return Batch(x, y, all_scored(y), lengths)

    def _tokens(self, y: Tensor, generator: torch.Generator) -> Tensor:
        """Return fillers (B, T) with the symbols of classes y among them: the bits of a class, highest first."""
        tokens = torch.randint(2, 6, (len(y), self.longest), generator=generator)
        width = self.length // 10
        for place, (share, of) in enumerate(STARTS[self.form, self.symbols]):
            step = torch.randint(width + self.original, (len(y), 1), generator=generator) + self.length * share // of
            tokens.scatter_(1, step, (y >> (self.symbols - 1 - place) & 1).unsqueeze(1))
        return tokens

    def baseline(self) -> dict[str, float]:
        return {"accuracy": 1 / self.output_size, "loss": math.log(self.output_size)}

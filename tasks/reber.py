"""The Reber grammar embedded in itself: its automaton, and all its strings up to a length with their probabilities."""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

SYMBOLS = ("B", "T", "S", "X", "P", "V", "E")
# The arrows out of each state, all as likely: the symbol that one writes, and the state it leads to.
REBER = (
    (("B", 1),),
    (("T", 2), ("P", 3)),
    (("S", 2), ("X", 4)),
    (("T", 3), ("V", 5)),
    (("X", 3), ("S", 6)),
    (("P", 4), ("V", 6)),
    (("E", 7),),
)


def _embedded() -> list[tuple[tuple[str, int], ...]]:
    """Return the arrows of B, then T or P, then a Reber string, then the same T or P again, then E.

    There is a copy of the Reber automaton for either symbol, or the end could not be told from the start.
    """
    size = len(REBER) + 2
    branch = {"T": 2, "P": 2 + size}
    arrows: list[tuple[tuple[str, int], ...]] = [(("B", 1),), tuple(branch.items())]
    for symbol, first in branch.items():
        arrows += [tuple((write, first + to) for write, to in out) for out in REBER]
        arrows += [((symbol, first + size - 1),), (("E", 2 + 2 * size),)]
    return [*arrows, ()]


ARROWS = _embedded()
END = len(ARROWS) - 1


def _tables() -> tuple[Tensor, Tensor]:
    legal = torch.zeros(len(ARROWS), len(SYMBOLS), dtype=torch.bool)
    following = torch.zeros(len(ARROWS), len(SYMBOLS), dtype=torch.long)
    for state, out in enumerate(ARROWS):
        for symbol, to in out:
            legal[state, SYMBOLS.index(symbol)] = True
            following[state, SYMBOLS.index(symbol)] = to
    return legal, following


LEGAL, FOLLOWING = _tables()  # which symbols a state may write, and to which states they lead: (states, 7)


def states(tokens: Tensor) -> Tensor:
    """Return the state of the automaton after each token of strings (B, T)."""
    state = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
    following = FOLLOWING.to(tokens.device)
    reached = torch.empty_like(tokens)
    for step in range(tokens.size(1)):
        state = following[state, tokens[:, step]]
        reached[:, step] = state
    return reached


class Strings(NamedTuple):
    """All strings of at most a length: tokens (N, longest) followed by zeros, lengths (N,), probabilities (N,),
    and the sums of these so far.

    The probabilities are the grammar's under the condition that the string is no longer than that, as if longer ones
    were drawn again.
    """

    tokens: Tensor
    lengths: Tensor
    probabilities: Tensor
    cumulated: Tensor

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return the numbers of n strings, (n,)."""
        drawn = torch.rand(n, dtype=torch.float64, generator=generator) * self.cumulated[-1]
        return torch.searchsorted(self.cumulated, drawn, right=True).clamp_(max=len(self.cumulated) - 1)


@lru_cache(maxsize=2)
def strings(longest: int) -> Strings:
    """Return the embedded strings of at most `longest` symbols."""
    tokens, state = torch.zeros(1, longest, dtype=torch.uint8), torch.zeros(1, dtype=torch.long)
    probability = torch.ones(1, dtype=torch.float64)
    ended = []
    for step in range(longest):
        row, symbol = LEGAL[state].nonzero(as_tuple=True)
        tokens, probability = tokens[row], (probability / LEGAL[state].sum(1))[row]
        tokens[:, step] = symbol
        state = FOLLOWING[state[row], symbol]
        end = state == END
        ended.append((tokens[end], torch.full((int(end.sum()),), step + 1), probability[end]))
        tokens, state, probability = tokens[~end], state[~end], probability[~end]
    texts, lengths, shares = map(torch.cat, zip(*ended, strict=True))
    shares /= shares.sum()
    return Strings(texts, lengths, shares, shares.cumsum(0))

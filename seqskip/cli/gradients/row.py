"""One line of the table: what was measured of one net, in numbers and in words."""

from dataclasses import dataclass

from seqskip.analysis import Decay, verdict
from seqskip.analysis.verdict import DECADES


@dataclass(frozen=True)
class Row:
    """The gradient of one net.

    Attributes:
        name: of the net.
        layers: recurrent layers.
        law: that its decay follows, in words.
        exponent: p of a power law n^p; nan where it follows none.
        half_life: steps in which the norm halves; inf where it does not decay, nan where it follows no exponential.
        half_life_interval: 95 % interval over initialisations, or over samples of a single net; nan of a single one.
        horizon: steps after which the norm stays below 10^-6 of its start; inf where it does not within a sample.
        arrives: log10 of the norm at the task's lag, relative to its start; -inf where nothing arrives.
        memory: Σ n g(n) / Σ g(n), steps: the mean lag from which the gradient comes.
        verdict: what that means for the task, in a word.
        sentence: the same in full.
    """

    name: str
    layers: int
    law: str
    exponent: float
    half_life: float
    half_life_interval: tuple[float, float]
    horizon: float
    arrives: float
    memory: float
    verdict: str
    sentence: str

    @classmethod
    def of(cls, name: str, layers: int, decay: Decay, lag: int) -> "Row":
        """Read the numbers of one net off its decay."""
        meant = verdict(decay, lag)
        found = meant.fit
        return cls(
            name,
            layers,
            str(found),
            found.exponent,
            found.half_life,
            found.half_life_interval,
            decay.horizon(DECADES),
            meant.log10_arriving,
            decay.effective_memory,
            meant.word,
            meant.sentence,
        )

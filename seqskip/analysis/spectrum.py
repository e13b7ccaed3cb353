"""The Lyapunov spectrum of a net: exponents, their errors, and what follows from them."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Lyapunov:
    """The leading Lyapunov exponents of a net, in nats per time step, largest first up to their errors.

    A positive exponent means that gradients over many steps explode, a negative first one that they vanish.

    Attributes:
        log_stretch: ln |R_ii| of each QR after the burn-in, (B, M, k) for B samples; -inf where a direction died.
        every: time steps from one QR to the next.
        size: dimension A of the augmented state: so many exponents there are.
    """

    log_stretch: Array
    every: int
    size: int

    BLOCKS: ClassVar[int] = 20  # of time, in each sample, for the standard errors

    @property
    def steps(self) -> int:
        """The time steps measured in each sample, without the burn-ins."""
        return int(self.log_stretch.shape[1]) * self.every

    @property
    def samples(self) -> Array:
        """The exponents of each sample, (B, k), nats per step."""
        means: Array = self.log_stretch.mean(1) / self.every
        return means

    @property
    def exponents(self) -> Array:
        """The exponents λ_1, ..., λ_k, means over time and samples, (k,), nats per step."""
        means: Array = self.samples.mean(0)
        return means

    @property
    def standard_errors(self) -> Array:
        """The standard errors of the exponents, (k,), nats per step, by batch means.

        The time of each sample is cut into 20 blocks (fewer where there are fewer QRs); all blocks of all samples
        count as independent draws. Where the means of the samples differ by more than that explains, they are the
        draws. A block must be longer than the net's memory for this to hold. 0 for an exponent of -inf.
        """
        count = min(self.BLOCKS, self.log_stretch.shape[1])
        blocks = [block.mean(1) / self.every for block in np.array_split(self.log_stretch, count, axis=1)]
        pooled = _error_of_mean(np.concatenate(blocks))
        return np.maximum(pooled, _error_of_mean(self.samples)) if len(self.samples) > 1 else pooled

    @property
    def smooth(self) -> Array:
        """The exponents by a weighted mean over time, (k,), nats per step; for periodic and quasi-periodic motion.

        The weights exp(-1 / (u (1 - u))), 0 < u < 1 over the steps measured, let oscillations of ln |R_ii|, as of
        linear nets with complex eigenvalues, cancel faster than any power of the steps, where the plain mean
        leaves 1/steps (Das et al. 2017, Nonlinearity 30:4111). For chaotic motion use the plain mean: it has the
        smaller error.
        """
        count = self.log_stretch.shape[1]
        u = (np.arange(count) + 0.5) / count
        weights = np.maximum(np.exp(-1 / (u * (1 - u))), 1e-300)  # 0 times -inf would be nan
        means: Array = np.einsum("bmk,m->k", self.log_stretch, weights / weights.sum())
        return means / (self.every * len(self.log_stretch))

    @property
    def sum(self) -> float:
        """The sum of the exponents, nats per step: of all A of them the mean of ln |det J_t|."""
        return float(self.exponents.sum())

    @property
    def dimension(self) -> float:
        """The Kaplan-Yorke dimension j + (λ_1 + ... + λ_j) / |λ_{j+1}|, j the most exponents with a sum >= 0.

        nan where k exponents are too few to find j.
        """
        sums = np.cumsum(self.exponents)
        if sums[-1] >= 0:
            return float(self.size) if len(sums) == self.size else math.nan
        j = int(np.argmax(sums < 0))
        return float(j + (sums[j - 1] / -self.exponents[j] if j else 0.0))

    def __str__(self) -> str:
        samples, _, k = self.log_stretch.shape
        head = f"{k} of {self.size} Lyapunov exponents, nats per step (samples: {samples}, steps: {self.steps})"
        rows = zip(self.exponents, self.standard_errors, strict=True)
        return "\n".join([head, *(f"{n:4d}  {one:+.6f} ± {error:.6f}" for n, (one, error) in enumerate(rows, start=1))])


def _error_of_mean(draws: Array) -> Array:
    """Return the standard error of the mean of draws, (k,) from (n, k); 0 where the mean is -inf."""
    known = np.isfinite(draws).all(0)
    deviations = np.where(known, draws, 0).std(0, ddof=1)
    errors: Array = deviations / math.sqrt(len(draws))
    return errors

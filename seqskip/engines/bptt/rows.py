"""The sequence as the sweeps see it: the rows of a matrix, one step after the other."""

from dataclasses import dataclass
from functools import cached_property

from seqskip.delays import common_step

SEGMENT_BYTES = 4 << 20  # a matrix of this size stays in the second or third level of a CPU's cache


@dataclass(frozen=True)
class Rows:
    """A sequence (T, B, ·) as a matrix (T·B, ·) whose steps are independent of each other in groups of `width` rows.

    With g the common step of the delays, g time steps in a row do not depend on each other: they are one step of
    the sweep, as in `seqskip.engines.fold`, without a copy. The last step has fewer rows where g does not divide T.
    """

    time: int
    batch: int
    delays: tuple[int, ...]

    @cached_property
    def width(self) -> int:
        """Rows of one step, g·B."""
        return common_step(self.delays) * self.batch

    @cached_property
    def steps(self) -> int:
        """Steps of the sweep, ceil(T/g)."""
        return -(-self.time // common_step(self.delays))

    @cached_property
    def lags(self) -> tuple[int, ...]:
        """The delays in steps of the sweep."""
        return tuple(delay // common_step(self.delays) for delay in self.delays)

    @cached_property
    def depth(self) -> int:
        """Steps of the sweep in the delay line."""
        return max(self.lags)

    def of(self, first: int, last: int) -> slice:
        """Return the rows of the steps first to last - 1, as far as there are any."""
        return slice(first * self.width, min(last * self.width, self.time * self.batch))

    def segment(self, row_bytes: int) -> int:
        """Return how many steps to hold at a time: what fits in the cache, but not less than the delay line."""
        return min(self.steps, max(self.depth, SEGMENT_BYTES // max(1, row_bytes * self.width)))

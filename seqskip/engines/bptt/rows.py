"""The sequence as the sweeps see it: the rows of a matrix, one step after the other."""

from dataclasses import dataclass
from functools import cached_property

from seqskip.delays import common_step

SEGMENT_BYTES = 4 << 20  # a matrix of this size stays in the second or third level of a CPU's cache


@dataclass(frozen=True)
class Rows:
    """A sequence (T, B, ·) as a matrix (T·B, ·) whose steps are independent of each other in groups of `width` rows.

    With g the common step of the edges, g time steps in a row do not depend on each other: they are one step of
    the sweep, as in `seqskip.engines.fold`, without a copy. The last step has fewer rows where g does not divide T.
    """

    time: int
    batch: int
    delays: tuple[int, ...]  # of the states that are combined, ascending
    edges: tuple[int, ...]  # how many steps back a step reads, ascending: the delays, and 1 for a gate

    @cached_property
    def together(self) -> int:
        """Time steps g in one step of the sweep."""
        return common_step(self.edges)

    @cached_property
    def width(self) -> int:
        """Rows of one step, g·B."""
        return self.together * self.batch

    @cached_property
    def steps(self) -> int:
        """Steps of the sweep, ceil(T/g)."""
        return -(-self.time // self.together)

    @cached_property
    def lags(self) -> tuple[int, ...]:
        """The delays in steps of the sweep."""
        return tuple(delay // self.together for delay in self.delays)

    @cached_property
    def block(self) -> int:
        """Steps of the sweep that do not depend on each other: all that the first of them reads is before it."""
        return self.edges[0] // self.together

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

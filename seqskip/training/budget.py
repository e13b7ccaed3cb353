"""A share of the training's time that may be spent on something else."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Budget:
    """Keeps what is spent under a share of the time that the training itself takes.

    Attributes:
        share: the largest share; None for no limit.
        spent: seconds spent so far.
        trained: seconds of training so far, without what was spent.
        dearest: seconds of the dearest so far of each kind of thing that they were spent on.
    """

    def __init__(self, share: float | None, clock: Callable[[], float] = time.perf_counter):
        self.share, self.clock = share, clock
        self.spent = self.trained = 0.0
        self.dearest: dict[str, float] = {}
        self._since: float | None = None

    def reset(self) -> None:
        """Forget the times of another training, not what things cost."""
        self.spent = self.trained = 0.0
        self._since = None

    def start(self) -> None:
        """Begin to count the time of a training, or of the rest of it."""
        self._since = self.clock()

    def stop(self) -> None:
        """Stop counting."""
        self._count()
        self._since = None

    @property
    def overhead(self) -> float:
        """What was spent as a share of the training's own time; 0 before there is any."""
        self._count()
        return self.spent / self.trained if self.trained > 0 else 0.0

    def allows(self, more: int, reserve: float = 0.0) -> bool:
        """Return whether so many measurements as dear as the dearest so far fit in, and some seconds kept besides."""
        self._count()
        ahead = more * self.dearest.get("measurement", 0.0) + reserve
        return self.share is None or self.spent + ahead <= self.share * self.trained

    @contextmanager
    def spending(self, kind: str = "measurement") -> Iterator[None]:
        """Count what happens inside as spent, on something of a kind."""
        self._count()
        started = self.clock()
        try:
            yield
        finally:
            took = self.clock() - started
            self.spent += took
            self.dearest[kind] = max(self.dearest.get(kind, 0.0), took)
            self._since = self.clock() if self._since is not None else None

    def _count(self) -> None:
        if self._since is not None:
            now = self.clock()
            self.trained, self._since = self.trained + now - self._since, now

"""An interleaved stopwatch: all contenders take turns in one run, so that a busy moment hits them alike."""

import gc
import math
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

Call = Callable[[], Any]
Clock = Callable[[], float]

MOST_CALLS = 100_000  # in a sample


@dataclass(frozen=True)
class Sampling:
    """How often a call is measured.

    Args:
        repeats: samples of each call.
        warmups: rounds before them that are not counted.
        least: seconds that a sample should last; a shorter call is repeated within its samples.
    """

    repeats: int = 7
    warmups: int = 1
    least: float = 0.005


@dataclass
class Samples:
    """What the stopwatch has seen of one call."""

    calls: int  # in each sample
    seconds: list[float] = field(default_factory=list)  # per call, one for each sample
    busy: float = 0.0  # seconds of all cores

    @property
    def least(self) -> float:
        """The fastest sample, seconds per call: the one that was disturbed least."""
        return min(self.seconds)

    @property
    def median(self) -> float:
        """The median sample, seconds per call."""
        return statistics.median(self.seconds)

    @property
    def cores(self) -> float:
        """How many cores were busy on average, threads that wait in a loop among them."""
        return self.busy / (sum(self.seconds) * self.calls)


def interleave(
    calls: Mapping[str, Call], sampling: Sampling, clock: Clock = time.perf_counter, cpu: Clock = time.process_time
) -> dict[str, Samples]:
    """Measure all calls in turn, round after round; every other round runs backwards, so that none always
    follows the same other. Garbage is collected between rounds and never within one."""
    measured = {name: Samples(_calls_per_sample(call, sampling.least, clock)) for name, call in calls.items()}
    for number in range(sampling.warmups + sampling.repeats):
        order = list(calls)[:: 1 if number % 2 == 0 else -1]
        with _no_garbage_collection():
            for name in order:
                samples = measured[name]
                busy, start = cpu(), clock()
                for _ in range(samples.calls):
                    calls[name]()
                end = clock()
                if number >= sampling.warmups:
                    samples.seconds.append((end - start) / samples.calls)
                    samples.busy += cpu() - busy
    return measured


def _calls_per_sample(call: Call, least: float, clock: Clock) -> int:
    """Return how often a call is made in a sample, by trials that grow: the first calls are slower than the rest."""
    count = 1
    while True:
        start = clock()
        for _ in range(count):
            call()
        seconds = clock() - start
        if seconds >= least or count >= MOST_CALLS:
            return count
        count = math.ceil(count * min(10, least / seconds if seconds > 0 else 10))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    gc.collect(0)  # what the round before has left is the youngest generation; all take a tenth of a second
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()

"""The stopwatch on a clock that moves only when a call says so."""

import gc

import pytest

from seqskip.benchmark.timing import Samples, Sampling, interleave


class Fake:
    """A clock, calls that take a known time on it, and the order in which they were made."""

    def __init__(self) -> None:
        self.now = 0.0
        self.made: list[str] = []

    def call(self, name: str, seconds: float):  # type: ignore[no-untyped-def]
        def run() -> None:
            self.made.append(name)
            self.now += seconds

        return run

    def measure(self, sampling: Sampling, **seconds: float) -> dict[str, Samples]:
        calls = {name: self.call(name, taken) for name, taken in seconds.items()}
        return interleave(calls, sampling, clock=lambda: self.now, cpu=lambda: 2 * self.now)


def test_calls_take_turns_and_every_other_round_runs_backwards() -> None:
    fake = Fake()
    fake.measure(Sampling(repeats=2, warmups=1, least=0.1), a=1.0, b=2.0, c=3.0)
    assert "".join(fake.made[3:]) == "abc" + "cba" + "abc"  # before: one call each, to see how long it takes


def test_samples_are_seconds_per_call_without_the_warm_up() -> None:
    measured = Fake().measure(Sampling(repeats=4, warmups=2), a=1.0, b=2.0)
    assert measured["a"].seconds == [1.0] * 4 and measured["b"].seconds == [2.0] * 4
    assert measured["b"].cores == pytest.approx(2.0)


def test_short_calls_are_repeated_within_a_sample() -> None:
    fake = Fake()
    measured = fake.measure(Sampling(repeats=3, warmups=0, least=0.5), short=0.125, long=2.0)
    assert (measured["short"].calls, measured["long"].calls) == (4, 1)
    assert measured["short"].seconds == [0.125] * 3
    assert fake.made.count("short") == 1 + 4 + 3 * 4  # one call, then a sample that lasts long enough


def test_a_slow_first_call_does_not_make_short_samples() -> None:
    now, made = [0.0], []

    def call() -> None:
        now[0] += 0.01 if made else 0.4
        made.append(now[0])

    measured = interleave({"a": call}, Sampling(repeats=2, warmups=0, least=0.5), lambda: now[0], lambda: now[0])
    assert measured["a"].calls == 50


def test_minimum_and_median() -> None:
    samples = Samples(1, [3.0, 1.0, 9.0])
    assert (samples.least, samples.median) == (1.0, 3.0)


def test_no_garbage_is_collected_within_a_round_and_it_is_afterwards() -> None:
    seen = []
    interleave({"a": lambda: seen.append(gc.isenabled())}, Sampling(repeats=2, warmups=0, least=0.0))
    assert seen[1:] == [False, False] and gc.isenabled()


def test_garbage_is_collected_again_after_an_error() -> None:
    calls = iter((None,))
    with pytest.raises(StopIteration):
        interleave({"a": lambda: next(calls)}, Sampling(repeats=1))
    assert gc.isenabled()

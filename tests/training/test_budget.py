"""The time that measuring may take, with a clock that only goes when told to."""

import pytest

from seqskip.training.budget import Budget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def spend(budget: Budget, clock: Clock, seconds: float) -> None:
    with budget.spending():
        clock.now += seconds


def test_spending_is_held_against_the_training_alone() -> None:
    clock = Clock()
    budget = Budget(0.05, clock)
    budget.start()
    spend(budget, clock, 1.0)
    assert budget.overhead == 0
    clock.now += 20
    assert (budget.spent, budget.overhead) == (1.0, 0.05)
    assert not budget.allows(more=1)
    clock.now += 20
    assert budget.allows(more=1)
    assert not budget.allows(more=2)
    budget.stop()
    clock.now += 1000
    assert budget.trained == 40


def test_whoever_asks_before_spending_never_spends_too_much() -> None:
    clock = Clock()
    budget, measured = Budget(0.05, clock), 0
    budget.start()
    for step in range(10000):
        clock.now += 0.1
        if step % 10 == 0 and budget.allows(more=1):
            spend(budget, clock, 0.7)
            measured += 1
        assert budget.overhead <= 0.05 or measured == 1  # what the first one takes nobody knows
    assert measured == pytest.approx(0.05 * 1000 / 0.7, abs=2)


def test_no_limit() -> None:
    clock = Clock()
    budget = Budget(None, clock)
    budget.start()
    spend(budget, clock, 100)
    assert budget.allows(more=1000)


def test_a_failure_counts_as_spent() -> None:
    clock = Clock()
    budget = Budget(0.05, clock)

    def fail() -> None:
        with budget.spending():
            clock.now += 3
            raise ValueError

    with pytest.raises(ValueError):
        fail()
    assert budget.spent == 3

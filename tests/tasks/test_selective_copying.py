"""Selective copying: S4's generator, and a slow solver of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import SelectiveCopying
from tests.tasks.found import assert_shares, generator, refused


@given(st.integers(1, 30), st.integers(1, 6), st.integers(4, 12), st.integers(0, 1000))
@settings(deadline=None)
def test_a_slow_solver_gives_the_same_answers(blanks: int, symbols: int, vocabulary: int, seed: int) -> None:
    task = SelectiveCopying(blanks, symbols, vocabulary)
    batch = task.sample(5, generator(seed))
    assert batch.x.shape == (5, blanks + 2 * symbols) and batch.mask.float().mean() == pytest.approx(task.scored_share)
    for tokens, answers, mask in zip(batch.x.tolist(), batch.y.tolist(), batch.mask.tolist(), strict=True):
        first, rest = tokens[: blanks + symbols], tokens[blanks + symbols :]
        assert rest == [vocabulary - 1] * symbols and first.count(0) == blanks
        seen = [token for token in first if token != 0]
        assert all(1 <= token <= vocabulary - 2 for token in seen)
        queue, asked = [], []
        for token in tokens:  # a memory that takes in symbols and gives them out, first in first out
            asked.append(queue.pop(0) if token == vocabulary - 1 else None)
            queue += [token] if 0 < token < vocabulary - 1 else []
        assert [answer if scored else None for answer, scored in zip(answers, mask, strict=True)] == asked


def test_places_are_uniform_sets_and_symbols_are_uniform() -> None:
    batch = SelectiveCopying(3, 2, 6).sample(6000, generator(0))
    first = batch.x[:, :5] > 0
    numbers = (first * 2 ** torch.arange(5)).sum(1)
    sets = [2**a + 2**b for a in range(5) for b in range(a)]
    assert_shares([int((numbers == one).sum()) for one in sets])
    assert_shares([int((numbers == one).sum()) for one in range(32)], [(one in sets) / 10 for one in range(32)])
    symbols = batch.y[:, -2:]
    assert_shares(torch.bincount((4 * (symbols[:, 0] - 1) + symbols[:, 1] - 1), minlength=16))


def test_the_lag_is_attained() -> None:
    task = SelectiveCopying(2, 2, 6)
    batch = task.sample(500, generator(0))
    lags = []
    for tokens in batch.x.tolist():
        places = [step for step, token in enumerate(tokens) if 0 < token < 5]
        lags += [asked - place for place, asked in zip(places, (4, 5), strict=True)]
    assert max(lags) == task.lag == 4


def test_baseline_is_that_of_the_frequencies() -> None:
    task = SelectiveCopying(10, 4, 10)
    batch = task.sample(5000, generator(0))
    shares = torch.bincount(batch.y[batch.mask], minlength=10).double()
    guess = (shares / shares.sum()).clamp(min=1e-30).log().expand(*batch.y.shape, -1)
    measured = {name: float(values.mean()) for name, values in task.metrics(guess, batch).items()}
    assert measured == {name: pytest.approx(value, abs=0.01) for name, value in task.baseline().items()}
    assert task.baseline() == {"accuracy": 1 / 8, "loss": pytest.approx(2.0794, abs=1e-4)}


def test_bad_arguments() -> None:
    refused(lambda: SelectiveCopying(0), "blanks must be", "got 0")
    refused(lambda: SelectiveCopying(symbols=0), "symbols must be", "got 0")
    refused(lambda: SelectiveCopying(vocabulary=3), "vocabulary must be an integer >= 4", "got 3")

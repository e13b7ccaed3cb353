"""Multiplication: the published protocol, and a slow solver of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Multiplication
from tests.tasks.found import assert_shares, best_within, generator, refused
from tests.tasks.test_contract import assert_shapes


@given(st.integers(20, 60), st.integers(0, 1000))
@settings(deadline=None)
def test_multiplication_is_the_published_protocol(length: int, seed: int) -> None:
    task = Multiplication(length)
    batch = task.sample(5, generator(seed))
    assert batch.lengths is not None
    for padded, y, own in zip(batch.x.tolist(), batch.y.tolist(), batch.lengths.tolist(), strict=True):
        x = padded[:own]
        assert length <= own <= 1.1 * length and not any(map(any, padded[own:]))
        assert x[0][1] == x[-1][1] == -1 and all(0 <= value <= 1 for value, _ in x)
        marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert len(marked) in (1, 2) and all(x[step][1] == 0 for step in range(1, own - 1) if step not in marked)
        # One marker: the first pair is the other, and a 1 in the product.
        factors = [x[step][0] for step in marked]
        assert y == [pytest.approx(factors[0] * factors[1] if len(factors) == 2 else factors[0], abs=1e-6)]


@given(st.integers(2, 40), st.integers(0, 1000))
@settings(deadline=None)
def test_the_standard_form_has_a_marker_in_each_half(length: int, seed: int) -> None:
    task = Multiplication(length, "standard")
    batch = task.sample(5, generator(seed))
    assert_shapes(task, batch, 5)
    for x, y in zip(batch.x.tolist(), batch.y.tolist(), strict=True):
        first, second = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert first < length // 2 <= second
        assert y == [pytest.approx(x[first][0] * x[second][0], abs=1e-6)]


def test_the_first_pair_is_marked_as_often_as_stated() -> None:
    task = Multiplication(20)
    markers = task.sample(50_000, generator(0)).x[..., 1].eq(1).sum(1)
    assert task.first_pair == pytest.approx(0.1 + 0.9 / 9)
    assert_shares(torch.bincount(markers)[1:], [task.first_pair, 1 - task.first_pair])


@pytest.mark.parametrize("length", [20, 100])
def test_the_baseline_is_the_best_constant(length: int) -> None:
    task = Multiplication(length)
    batch = task.sample(200_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    assert float(best[0]) == pytest.approx((1 + task.first_pair) / 4, abs=0.002)
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(task.baseline()["mse"], rel=0.01)
    assert best_within(batch.y, 0.04) == pytest.approx(task.baseline()["accuracy"], abs=0.004)


def test_the_standard_baseline_is_the_published_variance() -> None:
    task = Multiplication(30, "standard")
    batch = task.sample(200_000, generator(0))
    assert task.baseline() == {"mse": pytest.approx(0.0486, abs=5e-5)}
    assert float(batch.y.var()) == pytest.approx(task.baseline()["mse"], rel=0.01)


def test_the_docstrings_numbers_and_what_is_solved() -> None:
    task = Multiplication()
    assert task.baseline() == {"mse": pytest.approx(0.0592, abs=5e-5), "accuracy": pytest.approx(0.2581, abs=5e-5)}
    assert task.solved({"mse": 1, "accuracy": 0.9935}) and not task.solved({"mse": 0, "accuracy": 0.993})
    assert not Multiplication(variant="standard").solved(Multiplication(variant="standard").baseline())


def test_bad_arguments() -> None:
    refused(lambda: Multiplication(19), "length with variant='hochreiter' must be an integer >= 20, got 19")
    refused(lambda: Multiplication(1, "standard"), "length with variant='standard' must be an integer >= 2, got 1")
    refused(lambda: Multiplication(variant="tcn"), "variant must be one of hochreiter, standard, got 'tcn'")

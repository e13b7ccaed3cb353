"""Adding: the published protocol, and a slow solver of it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Adding
from tests.tasks.found import assert_shares, generator, refused


@given(st.integers(2, 40), st.integers(0, 1000))
@settings(deadline=None)
def test_adding_is_the_published_protocol(length: int, seed: int) -> None:
    batch = Adding(length).sample(5, generator(seed))
    for x, y in zip(batch.x.tolist(), batch.y.tolist(), strict=True):
        marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert len(marked) == 2 and marked[0] < length // 2 <= marked[1]
        assert all(0 <= value < 1 and marker in (0, 1) for value, marker in x)
        assert y == [pytest.approx(x[marked[0]][0] + x[marked[1]][0])]


def test_adding_baseline_is_the_best_constant() -> None:
    task = Adding(50)
    batch = task.sample(20_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    assert float(best[0]) == pytest.approx(1, abs=0.01)
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(1 / 6, rel=0.02)
    assert task.solved({"mse": 1.69e-3}) and not task.solved({"mse": 1.7e-3})


def test_adding_markers_are_uniform_in_their_halves() -> None:
    markers = Adding(10).sample(20_000, generator(0)).x[..., 1].sum(0)
    assert_shares(markers[:5])
    assert_shares(markers[5:])


def test_bad_arguments() -> None:
    refused(lambda: Adding(1), "length must be", "got 1")
    refused(lambda: Adding(10).sample(0, generator(0)), "n must be", "got 0")

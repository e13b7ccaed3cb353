"""Adding: the published protocols, and slow solvers of them."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Adding
from tests.tasks.found import assert_shares, best_within, generator, refused
from tests.tasks.test_contract import assert_shapes

FIXED = ["standard", "tcn", "skip_rnn"]  # variants whose samples all have T steps
RANGES = {"standard": (0, 1), "tcn": (0, 1), "skip_rnn": (-0.5, 0.5), "hochreiter": (-1, 1)}


def stays_in(variant: str, first: int, second: int, length: int) -> bool:
    """Whether the two marked steps, in their order, are where the protocol puts them."""
    return {
        "standard": first < length // 2 <= second,
        "tcn": first < second,
        "skip_rnn": first < length / 10 and second >= length / 2,
    }[variant]


@given(st.sampled_from(FIXED), st.integers(10, 40), st.integers(0, 1000))
@settings(deadline=None)
def test_adding_is_the_published_protocol(variant: str, length: int, seed: int) -> None:
    task = Adding(length, variant)
    batch = task.sample(5, generator(seed))
    assert_shapes(task, batch, 5)
    low, high = RANGES[variant]
    for x, y in zip(batch.x.tolist(), batch.y.tolist(), strict=True):
        marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert len(marked) == 2 and stays_in(variant, marked[0], marked[1], length)
        assert all(low <= value < high and marker in (0, 1) for value, marker in x)
        assert y == [pytest.approx(x[marked[0]][0] + x[marked[1]][0], abs=1e-6)]


@given(st.integers(20, 60), st.integers(0, 1000))
@settings(deadline=None)
def test_the_original_is_hochreiters_protocol(length: int, seed: int) -> None:
    task = Adding(length, "hochreiter")
    batch = task.sample(5, generator(seed))
    assert_shapes(task, batch, 5)
    assert batch.lengths is not None
    for padded, y, own in zip(batch.x.tolist(), batch.y.tolist(), batch.lengths.tolist(), strict=True):
        x, padding = padded[:own], padded[own:]
        assert length <= own <= 1.1 * length and all(pair == [0, 0] for pair in padding)
        assert x[0][1] == x[-1][1] == -1 and all(-1 <= value <= 1 for value, _ in x)
        assert all(marker in (0, 1) for _, marker in x[1:-1])
        marked = [step for step, (_, marker) in enumerate(x) if marker == 1]
        assert len(marked) == 2 or len(marked) == 1  # one: the other is the first pair, which counts as 0
        assert marked[-1] <= length // 2 - 1 and (len(marked) == 1 or marked[0] < 10)
        assert task.longest - 1 - marked[0] <= task.lag
        assert y == [pytest.approx(0.5 + sum(x[step][0] for step in marked) / 4, abs=1e-6)]


@pytest.mark.parametrize("way", FIXED)
def test_adding_baseline_is_the_best_constant(way: str) -> None:
    task = Adding(50, way)
    batch = task.sample(20_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    assert float(best[0]) == pytest.approx(sum(RANGES[way]), abs=0.01)
    assert set(task.baseline()) == {"mse"}
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(1 / 6, rel=0.02)
    assert task.solved({"mse": 1.69e-3}) and not task.solved({"mse": 1.7e-3})


@pytest.mark.parametrize("length", [20, 100])
def test_the_originals_baseline_is_the_best_constant(length: int) -> None:
    task = Adding(length, "hochreiter")
    batch = task.sample(100_000, generator(0))
    best = batch.y.mean().expand_as(batch.y)
    stated = task.baseline()
    assert float(task.metrics(best, batch)["mse"].mean()) == pytest.approx(stated["mse"], rel=0.02)
    assert best_within(batch.y, 0.04) == pytest.approx(stated["accuracy"], abs=0.005)
    assert float(task.metrics(torch.full_like(batch.y, 0.5), batch)["accuracy"].mean()) == pytest.approx(
        stated["accuracy"], abs=0.005
    )
    assert task.solved({"mse": 1.0, "accuracy": 0.99}) and not task.solved({"mse": 0.0, "accuracy": 0.989})


def test_adding_scores_answers_within_the_tolerance() -> None:
    task = Adding(20, "hochreiter")
    batch = task.sample(3, generator(0))
    prediction = batch.y + torch.tensor([[0.0], [0.039], [-0.041]])
    assert task.metrics(prediction, batch)["accuracy"].tolist() == [1, 1, 0]


def steps_of(marker: torch.Tensor, length: int) -> torch.Tensor:
    """Return how often each step is marked."""
    return marker.eq(1).sum(0)[:length]


def test_adding_markers_are_uniform_in_their_halves() -> None:
    markers = steps_of(Adding(10).sample(20_000, generator(0)).x[..., 1], 10)
    assert_shares(markers[:5])
    assert_shares(markers[5:])


def test_markers_of_the_other_variants_are_drawn_as_published() -> None:
    pairs = Adding(6, "tcn").sample(20_000, generator(0)).x[..., 1]
    assert_shares(torch.bincount((pairs @ torch.tensor([1.0, 2, 4, 8, 16, 32])).long(), minlength=64), both_of(6))
    markers = steps_of(Adding(50, "skip_rnn").sample(20_000, generator(0)).x[..., 1], 50)
    assert_shares(markers[:5])
    assert_shares(markers[25:])
    assert int(markers[5:25].sum()) == 0


def both_of(length: int) -> torch.Tensor:
    """Return the share of each set of marked steps, a binary number, where all pairs are as likely."""
    return torch.tensor([float(f"{code:b}".count("1") == 2) for code in range(2**length)]) / (length * (length - 1) / 2)


def test_the_original_draws_markers_and_lengths_as_hochreiter() -> None:
    batch = Adding(24, "hochreiter").sample(100_000, generator(0))
    assert batch.lengths is not None
    assert_shares(torch.bincount(batch.lengths - 24))
    # Exact: the first of ten steps, then one of the first 11 of those left. Step 0 shows no marker.
    shares = torch.zeros(24, 24, dtype=torch.float64)
    for first in range(10):
        for second in [step for step in range(24) if step != first][:11]:
            shares[min(first, second), max(first, second)] += 1 / 110
    marked = batch.x[:, :24, 1] == 1
    low = torch.where(marked.sum(1) == 1, 0, marked.int().argmax(1))
    high = 23 - marked.flip(1).int().argmax(1)
    assert_shares(torch.bincount(low * 24 + high, minlength=576), shares.flatten())


def test_bad_arguments() -> None:
    refused(lambda: Adding(1), "length with variant='standard' must be an integer >= 2, got 1")
    refused(lambda: Adding(19, "hochreiter"), "length with variant='hochreiter' must be an integer >= 20, got 19")
    refused(lambda: Adding(9, "skip_rnn"), "length with variant='skip_rnn' must be an integer >= 10, got 9")
    refused(lambda: Adding(10, "hochreuter"), "variant must be one of standard, tcn", "did you mean 'hochreiter'?")
    refused(lambda: Adding(10).sample(0, generator(0)), "n must be", "got 0")

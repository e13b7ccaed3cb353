"""Copying: the published protocol, and a slow solver of it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Copying
from tests.tasks.found import assert_shares, generator, refused


@given(st.integers(1, 30), st.integers(1, 6), st.integers(2, 12), st.integers(0, 1000))
@settings(deadline=None)
def test_copying_is_the_published_protocol(delay: int, symbols: int, alphabet: int, seed: int) -> None:
    task = Copying(delay, symbols, alphabet)
    batch = task.sample(4, generator(seed))
    assert batch.x.shape == (4, delay + 2 * symbols, alphabet + 2)
    assert batch.x.sum(-1).eq(1).all()
    for tokens, target in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), strict=True):
        message = tokens[:symbols]
        assert all(1 <= symbol <= alphabet for symbol in message)
        assert tokens[symbols:] == [0] * (delay - 1) + [alphabet + 1] + [0] * symbols
        # The solver: read symbols until the first blank, or the marker, and write them out after the marker.
        marker = tokens.index(alphabet + 1)
        assert target == [0] * (marker + 1) + message
        assert task.lag == marker + 1


def test_copying_symbols_are_uniform() -> None:
    counts = torch.bincount(Copying(1).sample(4000, generator(0)).y[:, -10:].flatten(), minlength=9)[1:]
    assert_shares(counts)


@pytest.mark.parametrize(("delay", "published"), [(50, 0.2971), (100, 0.1733), (1000, 0.0204), (2000, 0.0103)])
def test_copying_baseline_is_the_published_one(delay: int, published: float) -> None:
    assert Copying(delay).baseline()["loss"] == pytest.approx(published, abs=5e-5)


def test_copying_baseline_is_the_best_guess_without_memory() -> None:
    task = Copying(30)
    batch = task.sample(2000, generator(0))
    # Without memory the best answer at each step is the distribution of y there: measured, it is the one stated.
    shares = torch.stack([(batch.y == symbol).double().mean(0) for symbol in range(9)], -1)
    stated = torch.zeros(50, 9, dtype=torch.float64)
    stated[:40, 0], stated[40:, 1:] = 1, 1 / 8
    torch.testing.assert_close(shares, stated, atol=0.03, rtol=0)
    stated[:, 1] += 1e-9  # a tie between the symbols is broken in favour of one of them
    prediction = stated.log().clamp(min=-50).expand(2000, -1, -1)
    measured = {name: float(values.mean()) for name, values in task.metrics(prediction, batch).items()}
    assert measured["loss"] == pytest.approx(task.baseline()["loss"], rel=2e-3)
    assert measured["recall_loss"] == pytest.approx(math.log(8), rel=2e-3)
    assert measured["recall_accuracy"] == pytest.approx(1 / 8, abs=0.01)


def test_balanced_loss_weighs_recall_and_blank_by_one_half() -> None:
    task, plain = Copying(20, 3, loss="balanced"), Copying(20, 3)
    batch, prediction = task.sample(5, generator(0)), torch.randn(5, 26, 9)
    entropy = -prediction.log_softmax(-1).gather(2, batch.y.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(task.loss(prediction, batch), (entropy[:, :23].mean() + entropy[:, 23:].mean()) / 2)
    torch.testing.assert_close(plain.loss(prediction, batch), entropy.mean())
    torch.testing.assert_close(task.metrics(prediction, batch)["loss"], entropy.mean(1))


def test_copying_scores_a_perfect_and_a_wrong_answer() -> None:
    task = Copying(10)
    batch = task.sample(3, generator(0))
    perfect = torch.nn.functional.one_hot(batch.y, 9).float() * 50
    assert float(task.metrics(perfect, batch)["recall_accuracy"].mean()) == 1
    shifted = torch.nn.functional.one_hot((batch.y + 1) % 9, 9).float()
    assert float(task.metrics(shifted, batch)["recall_accuracy"].mean()) == 0
    assert task.solved({"recall_accuracy": 0.99}) and not task.solved({"recall_accuracy": 0.9899})


def test_bad_arguments() -> None:
    refused(lambda: Copying(0), "delay must be", "got 0")
    refused(lambda: Copying(symbols=0), "symbols must be", "got 0")
    refused(lambda: Copying(alphabet=1), "alphabet must be", "got 1")
    refused(lambda: Copying(delay=True), "delay must be", "got True")
    refused(lambda: Copying(loss="balance"), "loss must be", "got 'balance'; did you mean 'balanced'?")
    refused(lambda: Copying(10).sample(0, generator(0)), "n must be", "got 0")

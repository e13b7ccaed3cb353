"""Copying: the published protocol, and a slow solver of it."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Copying
from tests.tasks.found import assert_shares, generator, refused
from tests.tasks.test_contract import assert_shapes

VARIANTS = ("arjovsky", "tcn", "mist", "variable")
DELAYS, SYMBOLS, ALPHABETS = st.integers(1, 30), st.integers(1, 6), st.integers(2, 12)
SEEDS = st.integers(0, 1000)


def recalled(tokens: list[int], symbols: int, marker: int) -> list[int]:
    """Return the answers: read symbols until the first blank, or the marker, and write them out after the marker."""
    message = [token for token in tokens[:symbols] if token not in (0, marker)]
    asked = tokens.index(marker)
    return [0] * (asked + 1) + message + [0] * (len(tokens) - asked - 1 - len(message))


@given(DELAYS, SYMBOLS, ALPHABETS, SEEDS)
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
        assert target == recalled(tokens, symbols, alphabet + 1)
        assert task.lag == tokens.index(alphabet + 1) + 1


@given(DELAYS, SYMBOLS, ALPHABETS, SEEDS)
@settings(deadline=None)
def test_tcn_reads_one_number_and_the_marker_stays(delay: int, symbols: int, alphabet: int, seed: int) -> None:
    task = Copying(delay, symbols, alphabet, variant="tcn")
    batch = task.sample(4, generator(seed))
    assert task.input_size == 1 and batch.x.shape == (4, delay + 2 * symbols, 1)
    for tokens, target in zip(batch.x.squeeze(2).tolist(), batch.y.tolist(), strict=True):
        assert all(1 <= symbol <= alphabet and symbol == int(symbol) for symbol in tokens[:symbols])
        assert tokens[symbols:] == [0] * (delay - 1) + [alphabet + 1] * (symbols + 1)
        assert target == recalled(tokens, symbols, alphabet + 1)


@given(st.integers(1, 8), SEEDS)
@settings(deadline=None)
def test_mist_has_a_tenth_as_many_symbols_as_its_delay(tenth: int, seed: int) -> None:
    task = Copying(10 * tenth, variant="mist")
    batch = task.sample(4, generator(seed))
    assert batch.x.shape == (4, 12 * tenth, 12) and batch.x.sum(-1).eq(1).all()
    for tokens, target in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), strict=True):
        assert all(1 <= symbol <= 10 for symbol in tokens[:tenth])
        assert tokens[tenth:] == [0] * (10 * tenth - 1) + [11] + [0] * tenth
        assert target == recalled(tokens, tenth, 11)


@given(DELAYS, SYMBOLS, ALPHABETS, SEEDS)
@settings(deadline=None)
def test_variable_has_1_to_t_blanks_before_the_marker(delay: int, symbols: int, alphabet: int, seed: int) -> None:
    task = Copying(delay, symbols, alphabet, variant="variable")
    batch = task.sample(4, generator(seed))
    assert batch.x.shape == (4, delay + 2 * symbols + 1, alphabet + 2) and batch.x.sum(-1).eq(1).all()
    for tokens, target in zip(batch.x.argmax(-1).tolist(), batch.y.tolist(), strict=True):
        assert all(1 <= symbol <= alphabet for symbol in tokens[:symbols])
        rest = tokens[symbols:]
        assert rest.count(alphabet + 1) == 1 and rest.count(0) == len(rest) - 1
        assert 1 <= rest.index(alphabet + 1) <= delay
        assert target == recalled(tokens, symbols, alphabet + 1)


def test_variable_blanks_are_uniform_and_attain_the_lag() -> None:
    task = Copying(12, 2, variant="variable")
    marker = task.sample(6000, generator(0)).x[..., -1].argmax(1)
    assert_shares(torch.bincount(marker - 2, minlength=13)[1:])
    assert task.lag == int(marker.max()) + 1  # from the first symbol, at step 0, to its recall


def test_copying_symbols_are_uniform() -> None:
    counts = torch.bincount(Copying(1).sample(4000, generator(0)).y[:, -10:].flatten(), minlength=9)[1:]
    assert_shares(counts)


@pytest.mark.parametrize(("delay", "published"), [(50, 0.2971), (100, 0.1733), (1000, 0.0204), (2000, 0.0103)])
def test_copying_baseline_is_the_published_one(delay: int, published: float) -> None:
    assert Copying(delay).baseline()["loss"] == pytest.approx(published, abs=5e-5)


@pytest.mark.parametrize("form", VARIANTS)
def test_every_variant_keeps_the_contract(form: str) -> None:
    task = Copying(20, variant=form)
    batch = task.sample(3, generator(0))
    assert_shapes(task, batch, 3)
    assert set(task.metrics(torch.randn(*batch.y.shape, task.output_size), batch)) == set(task.baseline())
    assert (task.inputs is None) == (form == "tcn") and len(task.classes or ()) == task.output_size


@pytest.mark.parametrize("delay", [10, 100, 400])
def test_the_best_constant_of_mist_is_wrong_at_one_step_in_twelve(delay: int) -> None:
    task = Copying(delay, variant="mist")
    batch = task.sample(50, generator(0))
    rates = []
    for answer in range(11):
        constant = torch.nn.functional.one_hot(torch.full_like(batch.y, answer), 11).float()
        rates.append(float(task.metrics(constant, batch)["error_rate"].mean()))
    assert min(rates) == pytest.approx(1 / 12) == task.baseline()["error_rate"]


@pytest.mark.parametrize("form", VARIANTS)
def test_baseline_of_every_variant_is_that_of_its_frequencies(form: str) -> None:
    task = Copying(20, variant=form)
    batch = task.sample(4000, generator(0))
    asked = (batch.y > 0).long()
    # Told when to recall, and nothing of the symbols: the frequencies of y in both cases, as a net could learn them.
    shares = torch.stack([torch.bincount(batch.y[asked == kind], minlength=task.output_size) for kind in (0, 1)])
    prediction = (shares / shares.sum(1, keepdim=True)).clamp(min=1e-30).log()[asked]
    measured = {name: float(values.mean()) for name, values in task.metrics(prediction, batch).items()}
    for name in ("loss", "recall_loss", "recall_accuracy"):
        assert measured[name] == pytest.approx(task.baseline()[name], abs=0.015), name


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


@pytest.mark.parametrize("form", VARIANTS)
def test_balanced_loss_weighs_recall_and_blank_by_one_half(form: str) -> None:
    task, plain = Copying(20, loss="balanced", variant=form), Copying(20, variant=form)
    batch, recall = task.sample(5, generator(0)), task.sample(5, generator(0)).y > 0
    prediction = torch.randn(*batch.y.shape, task.output_size)
    entropy = -prediction.log_softmax(-1).gather(2, batch.y.unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(task.loss(prediction, batch), (entropy[recall].mean() + entropy[~recall].mean()) / 2)
    torch.testing.assert_close(plain.loss(prediction, batch), entropy.mean())
    torch.testing.assert_close(task.metrics(prediction, batch)["loss"], entropy.mean(1))


@pytest.mark.parametrize("form", VARIANTS)
def test_copying_scores_a_perfect_and_a_wrong_answer(form: str) -> None:
    task = Copying(10, variant=form)
    batch, classes = task.sample(3, generator(0)), task.output_size
    perfect = torch.nn.functional.one_hot(batch.y, classes).float() * 50
    assert float(task.metrics(perfect, batch)["recall_accuracy"].mean()) == 1
    assert task.metrics(perfect, batch).get("error_rate", torch.zeros(1)).eq(0).all()
    shifted = torch.nn.functional.one_hot((batch.y + 1) % classes, classes).float()
    assert float(task.metrics(shifted, batch)["recall_accuracy"].mean()) == 0
    assert task.metrics(shifted, batch).get("error_rate", torch.ones(1)).eq(1).all()
    assert task.solved({"recall_accuracy": 0.99}) and not task.solved({"recall_accuracy": 0.9899})


def test_bad_arguments() -> None:
    refused(lambda: Copying(0), "delay must be", "got 0")
    refused(lambda: Copying(symbols=0), "symbols must be", "got 0")
    refused(lambda: Copying(alphabet=1), "alphabet must be", "got 1")
    refused(lambda: Copying(delay=True), "delay must be", "got True")
    refused(lambda: Copying(variant="mst"), "variant must be one of arjovsky, tcn, mist, variable", "mean 'mist'?")
    refused(lambda: Copying(14, variant="mist"), "delay must be a multiple of 10", "got 14; use 20")
    refused(lambda: Copying(20, 3, variant="mist"), "symbols must be 2 with variant='mist'", "got 3; leave it out")
    refused(lambda: Copying(20, alphabet=8, variant="mist"), "alphabet must be 10", "got 8; leave it out")
    refused(lambda: Copying(loss="balance"), "loss must be", "got 'balance'; did you mean 'balanced'?")
    refused(lambda: Copying(10).sample(0, generator(0)), "n must be", "got 0")

"""Noise-free long lag: the published protocol, and a slow solver of it."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import NoiseFreeLag
from tests.tasks.found import assert_shares, generator, refused
from tests.tasks.test_contract import assert_shapes


@given(st.sampled_from(["2a", "2b"]), st.integers(2, 30), st.integers(0, 1000))
@settings(deadline=None)
def test_it_is_the_published_protocol(experiment: str, delay: int, seed: int) -> None:
    task = NoiseFreeLag(delay, experiment)
    batch = task.sample(5, generator(seed))
    assert_shapes(task, batch, 5)
    assert batch.x.sum(2).eq(1).all() and task.inputs == task.classes and task.inputs is not None
    for row, y in zip(batch.x.argmax(2).tolist(), batch.y.tolist(), strict=True):
        symbols, answers = ([task.inputs[token] for token in tokens] for tokens in (row, y))
        fill = symbols[1:]
        assert symbols[0] in ("x", "y") and len(symbols) == delay and not {"x", "y"} & set(fill)
        assert experiment == "2b" or fill == [f"a{number}" for number in range(1, delay)]
        # The solver: what comes next is the next input, and after the last one the first again.
        assert answers == [*fill, symbols[0]]
        assert len(answers) - 1 == task.lag


def test_both_ends_are_as_likely_and_random_fill_is_uniform() -> None:
    for experiment in ("2a", "2b"):
        batch = NoiseFreeLag(20, experiment).sample(5000, generator(0))
        assert_shares(torch.bincount(batch.y[:, -1] - 19))
    assert_shares(torch.bincount(batch.y[:, :-1].flatten()))


@pytest.mark.parametrize("experiment", ["2a", "2b"])
def test_the_baseline_is_the_best_guess_that_knows_the_step(experiment: str) -> None:
    task = NoiseFreeLag(8, experiment)
    batch = task.sample(40_000, generator(0))
    shares = torch.stack([(batch.y == symbol).double().mean(0) for symbol in range(9)], -1)
    prediction = shares.clamp(min=1e-30).log().expand(len(batch.y), -1, -1)
    measured = {name: float(values.mean()) for name, values in task.metrics(prediction, batch).items()}
    assert measured == {name: pytest.approx(value, rel=0.02) for name, value in task.baseline().items()}


def test_the_present_symbol_says_as_much_as_the_step_in_2a() -> None:
    batch = NoiseFreeLag(6).sample(1000, generator(0))
    pairs = torch.stack((batch.x.argmax(2), batch.y), 2).flatten(0, 1).unique(dim=0).tolist()
    assert pairs == [[0, 1], [1, 2], [2, 3], [3, 4], [4, 5], [4, 6], [5, 0], [6, 0]]


def test_what_is_solved_and_the_docstrings_numbers() -> None:
    task = NoiseFreeLag()
    assert task.baseline()["loss"] == pytest.approx(0.00693, abs=5e-6) and task.baseline()["accuracy"] == 0.995
    assert task.solved({"recall_accuracy": 0.99}) and not task.solved({"recall_accuracy": 0.989})


def test_bad_arguments() -> None:
    refused(lambda: NoiseFreeLag(1), "delay must be an integer >= 2, got 1")
    refused(lambda: NoiseFreeLag(variant="2d"), "variant must be one of 2a, 2b, got '2d'")

"""Multi-query recall: zoology's generator, and a slow solver of it."""

import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import MultiQueryRecall
from tests.tasks.found import assert_shares, generator, refused


@st.composite
def tasks(draw: st.DrawFn) -> MultiQueryRecall:
    pairs = draw(st.integers(1, 5))
    length, vocabulary = 2 * draw(st.integers(2 * pairs, 20)), 2 * draw(st.integers(pairs + 1, 12))
    return MultiQueryRecall(length, pairs, vocabulary, draw(st.sampled_from([0.01, 1.0])))


@given(tasks(), st.integers(0, 1000))
@settings(deadline=None)
def test_a_dictionary_gives_the_answers(task: MultiQueryRecall, seed: int) -> None:
    batch, half = task.sample(5, generator(seed)), task.output_size // 2
    assert batch.x.shape == (5, task.length)
    for tokens, answers, mask in zip(batch.x.tolist(), batch.y.tolist(), batch.mask.tolist(), strict=True):
        known, asked = dict[int, int](), dict[int, int]()
        for step, token in enumerate(tokens):
            if step < 2 * task.pairs:
                assert (1 <= token < half) if step % 2 == 0 else (half <= token < 2 * half)
                known |= {tokens[step - 1]: token} if step % 2 else {}
            elif token:
                asked[step] = known.pop(token)  # fails where a key comes that was not there, or comes again twice
                assert step % 2 == 0
        assert not known and len(set(asked.values())) == len(asked) == task.pairs
        assert {step: answer for step, answer in enumerate(answers) if mask[step]} == asked


def test_gaps_follow_the_power_law_one_key_after_the_other() -> None:
    batch = MultiQueryRecall(12, 2, 6, power=0.3).sample(20_000, generator(0))
    first, second = ((batch.x[:, 4:] == batch.x[:, key, None]).int().argmax(1) // 2 for key in (0, 2))
    law = [(gap + 1) ** -0.7 for gap in range(4)]
    joint = [
        law[a] * law[b] / (sum(law) - law[a]) / sum(law) * (a != b) for a, b in itertools.product(range(4), repeat=2)
    ]
    assert_shares(torch.bincount(4 * first + second, minlength=16), joint)


def test_keys_and_values_are_uniform_without_replacement() -> None:
    x = MultiQueryRecall(8, 2, 8).sample(12_000, generator(0)).x
    ordered = [(a != b) / 6 for a, b in itertools.product(range(3), repeat=2)]
    assert_shares(torch.bincount(3 * (x[:, 0] - 1) + x[:, 2] - 1, minlength=9), ordered)
    ordered = [(a != b) / 12 for a, b in itertools.product(range(4), repeat=2)]
    assert_shares(torch.bincount(4 * (x[:, 1] - 4) + x[:, 3] - 4, minlength=16), ordered)


def test_the_lag_is_attained() -> None:
    task = MultiQueryRecall(8, 2, 8)
    x = task.sample(200, generator(0)).x
    steps = (x[:, 4:] == x[:, :1]).nonzero()[:, 1] + 4
    assert int(steps.max()) == task.lag == 6


def test_random_fill_replaces_blanks_alone() -> None:
    plain, filled = (MultiQueryRecall(40, 2, 8, random_fill=fill).sample(500, generator(0)) for fill in (False, True))
    blank = plain.x == 0
    assert plain.x[~blank].equal(filled.x[~blank]) and plain.y.equal(filled.y) and plain.mask.equal(filled.mask)
    assert_shares(torch.bincount(filled.x[blank], minlength=8))


@pytest.mark.parametrize("fill", [False, True])
def test_baseline_is_that_of_the_frequencies_behind_each_key(fill: bool) -> None:
    task = MultiQueryRecall(12, 2, 8, random_fill=fill)
    batch = task.sample(8000, generator(0))
    seen = torch.full((8, 8), 1e-9)
    seen.index_put_((batch.x[batch.mask], batch.y[batch.mask]), torch.tensor(1.0), accumulate=True)
    guess = (seen / seen.sum(1, keepdim=True)).log()[batch.x]
    measured = {name: float(values.mean()) for name, values in task.metrics(guess, batch).items()}
    assert measured == {name: pytest.approx(value, abs=0.02) for name, value in task.baseline().items()}


def test_the_published_vocabulary_is_an_option() -> None:
    task = MultiQueryRecall(256, 64, 8192)
    batch = task.sample(2, generator(0))
    assert int(batch.x.max()) >= 4096 and batch.mask.sum() == 128
    assert task.baseline() == {"accuracy": 1 / 4096, "loss": pytest.approx(8.3178, abs=1e-4)}


def test_bad_arguments() -> None:
    refused(lambda: MultiQueryRecall(65), "length must be even, got 65; use 66")
    refused(lambda: MultiQueryRecall(2), "length must be", "got 2")
    refused(lambda: MultiQueryRecall(pairs=0), "pairs must be", "got 0")
    refused(lambda: MultiQueryRecall(64, 17), "pairs must be at most 16 with length=64", "got 17", "use 16")
    refused(lambda: MultiQueryRecall(64, 4, 8), "pairs must be at most 3", "vocabulary=8", "got 4")
    refused(lambda: MultiQueryRecall(vocabulary=9), "vocabulary must be even, got 9; use 10")
    refused(lambda: MultiQueryRecall(power=float("nan")), "power must be a finite number")
    refused(lambda: MultiQueryRecall(random_fill=1), "random_fill must be True or False")  # type: ignore[arg-type]

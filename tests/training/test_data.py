"""Training batches are a pure function of (seed, epoch, index); the splits never meet."""

from itertools import islice

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip.tasks import Adding, Batch, JapaneseVowels
from seqskip.training import TaskData
from seqskip.training.loaders import SPLITS, generator


def data(**settings: int) -> TaskData:
    return TaskData(Adding(6), **({"batch_size": 3, "steps_per_epoch": 4} | settings))


def same(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(a.x.equal(b.x) and a.y.equal(b.y) for a, b in zip(one, other, strict=True))


def test_batches_are_fresh_and_reproducible() -> None:
    loader = data().train_dataloader()
    first, second = list(loader), list(loader)
    assert len(first) == 4 and all(batch.x.shape == (3, 6, 2) for batch in first)
    assert not same(first, second)  # the second epoch has samples of its own
    again = data().train_dataloader()
    assert same(first, list(again)) and same(second, list(again))
    assert same([first[2]], [loader.fresh.batch(0, 2)])
    assert not same(first, list(data(seed=1).train_dataloader()))


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_batches(workers: int) -> None:
    one, many = data().train_dataloader(), data(num_workers=workers).train_dataloader()
    for _ in range(2):
        assert same(list(one), list(many))


@pytest.mark.parametrize("done", [0, 1, 3, 4, 5])
def test_a_resumed_loader_goes_on_where_it_was(done: int) -> None:
    whole = data().train_dataloader()
    expected = [*whole, *whole]
    before = data().train_dataloader()
    for _ in islice((batch for _ in range(2) for batch in before), done):
        pass
    after = data().train_dataloader()
    after.load_state_dict(before.state_dict())
    rest = [*after, *after][: len(expected) - done]
    assert same(expected[done:], rest)


def test_an_epoch_left_early_is_followed_by_the_next() -> None:
    loader = data().train_dataloader()
    first = list(islice(loader, 2))
    assert same(first, [loader.fresh.batch(0, 0), loader.fresh.batch(0, 1)])
    assert same(list(loader), [loader.fresh.batch(1, index) for index in range(4)])


def test_starting_an_epoch_draws_nothing_from_the_global_random_state() -> None:
    state = torch.get_rng_state()
    for loader in (data().train_dataloader(), data().val_dataloader(), data().test_dataloader()):
        list(loader)
    assert state.equal(torch.get_rng_state())


@given(st.integers(0, 2**40), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 2**40))
@settings(deadline=None)
def test_no_seed_makes_two_splits_meet(seed: int, epoch: int, index: int, other: int) -> None:
    # torch's CPU generator reads the lowest 32 bits of its seed; two of them name the split.
    seeds = [generator(s, split, epoch, index).initial_seed() for split in SPLITS for s in (seed, other)]
    assert [s & 0b11 for s in seeds] == [n for n in range(4) for _ in range(2)]
    assert max(seeds) < 2**32


def test_fixed_sets_have_the_sizes_asked_for() -> None:
    made = data(val_size=7, test_size=5, eval_batch_size=3)
    sizes = [[len(batch.x) for batch in loader] for loader in (made.val_dataloader(), made.test_dataloader())]
    assert sizes == [[3, 3, 1], [3, 2]]
    assert same(list(made.val_dataloader()), list(made.val_dataloader()))
    assert same(list(made.test_dataloader()), list(made.predict_dataloader()))
    assert not same(list(made.val_dataloader())[:1], list(made.test_dataloader())[:1])
    assert made.probe(2).x.shape == (2, 6, 2)


def test_a_set_has_no_more_samples_than_there_are() -> None:
    made = TaskData(JapaneseVowels(), val_size=1000, test_size=1000, eval_batch_size=300)
    assert (made.val_size, made.test_size) == (54, 370)
    assert [len(batch.x) for batch in made.test_dataloader()] == [300, 70]


@pytest.mark.parametrize("name", ["batch_size", "steps_per_epoch", "val_size", "test_size", "eval_batch_size"])
def test_sizes_below_one_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be an integer >= 1, got 0"):
        data(**{name: 0})


@pytest.mark.parametrize("name", ["num_workers", "seed"])
def test_negative_numbers_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name} must be an integer >= 0, got -1"):
        data(**{name: -1})


def test_another_kind_of_task_is_refused() -> None:
    with pytest.raises(ValueError, match=r"task must be a seqskip\.tasks\.Task, got str"):
        TaskData("Copying")  # type: ignore[arg-type]  # what a caller without a type checker may do

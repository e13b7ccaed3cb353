"""Batches of a task in chunks, and long sequences of one's own: every step once, in its order, from any position on."""

from collections.abc import Iterable
from itertools import islice
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.utils.data import DataLoader

from seqskip.tasks import Adding, Batch, Copying
from seqskip.training import Chunk, SequenceChunks, TaskData
from seqskip.training.chunks import cut
from tests.strategies import few
from tests.test_bad_input import NO_INTEGERS, refused

STEPS = 18  # of a sample of the task: chunks of 5, 5, 5 and 3
TASK = Copying(12, symbols=3)


def data(**settings: Any) -> TaskData:
    return TaskData(TASK, **({"batch_size": 2, "steps_per_epoch": 3, "chunk_steps": 5} | settings))


def same(ones: Iterable[Chunk], others: Iterable[Chunk]) -> bool:
    return [_content(one) for one in ones] == [_content(other) for other in others]


def _content(chunk: Chunk) -> tuple[Any, ...]:
    return *(part.tolist() for part in chunk[:3]), chunk.first


def joined(chunks: Iterable[Chunk]) -> list[Batch]:
    """Return the batches that chunks are of."""
    found: list[list[Chunk]] = []
    for chunk in chunks:
        found += [[]] if chunk.first else []
        found[-1].append(chunk)
    return [Batch(*(torch.cat(parts, 1) for parts in list(zip(*one, strict=True))[:3])) for one in found]


@few
@given(st.integers(1, 9), st.integers(1, 12), st.data())
def test_a_batch_is_cut_along_time(steps: int, chunk_steps: int, draw: st.DataObject) -> None:
    x, y = torch.randn(2, steps, 3), torch.randn(2, steps)
    batch, start = Batch(x, y, y > 0), draw.draw(st.integers(0, steps - 1))
    chunks = list(cut(batch, chunk_steps, start))
    sizes = [chunk.x.size(1) for chunk in chunks]
    assert all(size == chunk_steps for size in sizes[:-1])
    assert 1 <= sizes[-1] <= chunk_steps
    assert [chunk.first for chunk in chunks] == [start == 0] + [False] * (len(chunks) - 1)
    for part, whole in zip(list(zip(*chunks, strict=True))[:3], batch[:3], strict=True):
        assert torch.cat(part, 1).equal(whole[:, start:])


@pytest.mark.parametrize("workers", [0, 2])
def test_chunks_are_of_the_same_batches_one_after_the_other(workers: int) -> None:
    loader, whole = data(num_workers=workers).train_dataloader(), data(chunk_steps=None).train_dataloader()
    for _ in range(2):
        chunks, batches = list(loader), list(whole)
        assert len(chunks) == len(loader) == 12
        assert [chunk.x.size(1) for chunk in chunks] == [5, 5, 5, 3] * 3
        for one, batch in zip(joined(chunks), batches, strict=True):
            assert all(part.equal(other) for part, other in zip(one[:3], batch[:3], strict=True))


@pytest.mark.parametrize("chunk_steps", [STEPS, STEPS + 1, 1000])
def test_one_chunk_is_the_batch(chunk_steps: int) -> None:
    chunks = list(data(chunk_steps=chunk_steps).train_dataloader())
    assert len(chunks) == 3
    assert all(chunk.first and chunk.x.size(1) == STEPS for chunk in chunks)


@pytest.mark.parametrize(("done", "workers"), [(0, 0), (1, 0), (4, 0), (7, 0), (11, 0), (12, 0), (14, 0), (7, 2)])
def test_a_resumed_loader_goes_on_at_its_chunk(done: int, workers: int) -> None:
    whole = data().train_dataloader()
    expected = [*whole, *whole]
    before = data(num_workers=workers).train_dataloader()
    for _ in islice((chunk for _ in range(2) for chunk in before), done):
        pass
    after = data(num_workers=workers).train_dataloader()
    after.load_state_dict(before.state_dict())
    assert same(expected[done:], [*after, *after][: len(expected) - done])


def test_a_resumed_loader_may_cut_anew() -> None:
    before, after, whole = (data(chunk_steps=steps).train_dataloader() for steps in (5, 4, None))
    batches = list(data(chunk_steps=None).train_dataloader())
    list(islice(before, 6))  # ten steps of the second batch
    after.load_state_dict(before.state_dict())
    whole.load_state_dict(before.state_dict())
    assert same(after, [*cut(batches[1], 4, start=10), *cut(batches[2], 4)])
    assert all(one.x.equal(other.x) for one, other in zip(whole, batches[1:], strict=True))


def test_a_checkpoint_from_before_there_were_chunks() -> None:
    loader = data().train_dataloader()
    expected = list(loader)
    loader.load_state_dict({"epoch": 0, "done": 1})
    assert same(loader, expected[4:])


def test_an_epoch_left_early_is_followed_by_new_sequences() -> None:
    loader = data().train_dataloader()
    list(islice(loader, 6))
    assert next(iter(loader)).first
    assert loader.epoch == 1


@pytest.mark.parametrize("bad", [bad for bad in NO_INTEGERS if bad is not None])
def test_bad_lengths_of_a_chunk(bad: Any) -> None:
    with refused("chunk_steps must be an integer >= 1", f"got {bad!r}"):
        data(chunk_steps=bad)
    with refused("chunk_steps must be an integer >= 1", f"got {bad!r}"):
        SequenceChunks(torch.zeros(1, 2, 1), torch.zeros(1, 2), bad)


def test_a_task_with_one_answer_is_refused() -> None:
    with refused("chunk_steps needs a task with an answer at every step", "got Adding", "checkpoint_segments"):
        TaskData(Adding(20), chunk_steps=5)


class Slices:
    """What can be cut along time and nothing else, as a dataset in a file; it keeps what it was asked for."""

    def __init__(self, values: np.ndarray):
        self._values, self.shape = values, values.shape
        self.asked: list[tuple[int, int]] = []

    def __getitem__(self, index: tuple[slice, slice]) -> np.ndarray:
        rows, time = index
        assert rows == slice(None)
        self.asked.append((time.start, time.stop))
        return self._values[:, time]


def test_sequences_are_read_chunk_by_chunk() -> None:
    x, y = Slices(np.random.default_rng(0).random((2, 11, 3))), Slices(np.arange(22).reshape(2, 11))
    chunks = SequenceChunks(x, y, 4)
    found = []
    for n, chunk in enumerate(chunks, 1):
        found.append(chunk)
        assert x.asked == y.asked == [(0, 4), (4, 8), (8, 11)][:n]
    assert len(chunks) == 3
    (batch,) = joined(found)
    assert batch.x.dtype == torch.float32
    assert batch.y.tolist() == np.arange(22).reshape(2, 11).tolist()
    assert batch.mask.all()
    assert [chunk.first for chunk in (*chunks, *chunks)] == [True, False, False] * 2


def test_sequences_in_a_file(tmp_path: Any) -> None:
    values = np.random.default_rng(0).random((2, 11, 3))
    np.save(tmp_path / "x.npy", values)
    x = np.load(tmp_path / "x.npy", mmap_mode="r")
    (batch,) = joined(SequenceChunks(x, values[..., 0] > 0.5, 4, mask=np.ones((2, 11), np.uint8), dtype=torch.float64))
    assert batch.x.tolist() == values.tolist()
    assert batch.y.dtype == batch.mask.dtype == torch.bool


@pytest.mark.parametrize("kind", [np.uint16, np.int8, np.int64])
def test_token_numbers_of_any_integer_type(kind: Any) -> None:
    chunk = next(iter(SequenceChunks(np.full((1, 3), 7, kind), np.zeros((1, 3)), 3)))
    assert chunk.x.dtype == torch.int64
    assert chunk.x.tolist() == [[7, 7, 7]]


def test_tensors_are_read_as_they_are() -> None:
    x = torch.randn(2, 5, 1, dtype=torch.float64)
    (chunk,) = SequenceChunks(x, x[..., 0], 5, mask=x[..., 0] > 0)
    assert chunk.x.equal(x)
    assert chunk.mask.equal(x[..., 0] > 0)


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_sequences_go_on_where_they_were(done: int) -> None:
    x = torch.randn(2, 11, 1)
    before, after, whole = (SequenceChunks(x, x, 4) for _ in range(3))
    list(islice(before, done))
    after.load_state_dict(before.state_dict())
    assert same([*after, *after], [*list(whole)[done % 3 :], *whole])


def test_a_worker_reads_ahead_and_several_are_refused() -> None:
    x = torch.randn(2, 11, 1)
    chunks = SequenceChunks(x, x, 4)
    assert same(DataLoader(chunks, batch_size=None, num_workers=1), chunks)
    with pytest.raises(ValueError, match=r"num_workers must be 0 or 1 .*, got 2.*use num_workers=1"):
        list(DataLoader(chunks, batch_size=None, num_workers=2))


def zeros(*shape: int) -> Tensor:
    return torch.zeros(shape)


@pytest.mark.parametrize(
    ("x", "y", "rest", "words"),
    [
        ([[1.0]], zeros(1, 1), {}, ("x must be an array", "got list", "numpy.asarray")),
        (zeros(5), zeros(1, 5), {}, ("x must have shape (B, T) or (B, T, ...)", "got (5,)", "x[None]")),
        (zeros(2, 0, 1), zeros(2, 0), {}, ("x must have shape", "got (2, 0, 1)")),
        (zeros(2, 5, 1), zeros(2, 4), {}, ("y must have the B and T of x, (2, 5)", "got (2, 4)", "cut both alike")),
        (zeros(2, 5, 1), None, {}, ("y must be an array", "got NoneType")),
        (zeros(2, 5, 1), zeros(2, 5), {"mask": zeros(2, 5, 1)}, ("mask must have the shape of y, (2, 5)", "(2, 5, 1)")),
        (zeros(2, 5, 1), zeros(2, 5), {"mask": [True]}, ("mask must be an array", "got list")),
        (zeros(2, 5, 1), zeros(2, 5), {"dtype": torch.int64}, ("dtype must be a floating-point type", "torch.int64")),
    ],
)
def test_sequences_that_do_not_fit(x: Any, y: Any, rest: dict[str, Any], words: tuple[str, ...]) -> None:
    with refused(*words):
        SequenceChunks(x, y, 2, **rest)

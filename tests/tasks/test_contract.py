"""Every task keeps the promises of `Task`."""

import copy
import inspect
import itertools
import pickle

import pytest
import torch

import seqskip.tasks
from seqskip.tasks import Batch, Copying, Finite, Task
from seqskip.tasks.base import SPLITS
from tests.tasks.found import MADE, TASKS, generator, refused


def test_all_tasks_are_found_and_exported() -> None:
    assert {task.__name__ for task in TASKS} >= {"Adding", "Copying"}
    assert all(getattr(seqskip.tasks, task.__name__) is task for task in TASKS)


@pytest.mark.parametrize("kind", TASKS)
def test_the_docstring_says_what_the_task_is(kind: type[Task]) -> None:
    text = inspect.getdoc(kind) or ""
    for part in ("x", "y", "Loss", "Baseline", "Solved", "Source: "):
        assert part in text, f"{kind.__name__} says nothing of {part!r}"
    assert all(f"\n    {name}: " in text for name in inspect.signature(kind).parameters), "an argument is missing"
    assert kind.version >= 1 and kind.source


def scored_like(task: Task, batch: Batch) -> torch.Tensor:
    """Return random answers in the shape that the task asks for."""
    steps = (batch.x.size(1),) if task.readout == "every" else ()
    return torch.randn(len(batch.x), *steps, task.output_size, requires_grad=True)


def assert_shapes(task: Task, batch: Batch, n: int) -> None:
    assert (task.input_size is None) != (task.num_embeddings is None)
    assert batch.x.size(0) == batch.y.size(0) == n and batch.mask.shape == batch.y.shape
    assert batch.mask.dtype == torch.bool and 1 <= task.lag < batch.x.size(1)
    assert batch.mask.reshape(n, -1).any(1).all(), "a sample without a scored answer"
    if task.input_size is not None:
        assert batch.x.shape[2:] == (task.input_size,) and batch.x.dtype == torch.get_default_dtype()
    else:
        assert batch.x.dtype == torch.long and 0 <= int(batch.x.min()) <= int(batch.x.max()) < task.num_embeddings
    if batch.y.dtype == torch.long:  # legal even where it is not scored: embeddings and losses must not trip
        assert 0 <= int(batch.y.min()) <= int(batch.y.max()) < task.output_size
    if task.readout == "every":
        assert batch.y.shape[:2] == batch.x.shape[:2]
    if batch.lengths is not None:
        assert batch.lengths.shape == (n,) and 1 <= int(batch.lengths.min()) <= int(batch.lengths.max())
        assert int(batch.lengths.max()) <= batch.x.size(1) and batch.lengths.dtype == torch.long
        if task.readout == "every":
            assert all(not row[length:].any() for row, length in zip(batch.mask, batch.lengths, strict=True))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("kind", MADE)
def test_contract(kind: type[Task], split: str) -> None:
    task = kind().split(split)
    batch = task.sample(3, generator(0))
    assert_shapes(task, batch, 3)
    prediction = scored_like(task, batch)
    loss = task.loss(prediction, batch)
    loss.backward()
    assert loss.dim() == 0 and prediction.grad is not None and bool(prediction.grad.isfinite().all())
    metrics = task.metrics(prediction.detach(), batch)
    assert set(metrics) == set(task.baseline()) and task.monitor in metrics
    assert all(values.shape == (3,) for values in metrics.values())
    assert not task.solved(task.baseline())


@pytest.mark.parametrize("kind", MADE)
def test_the_generator_alone_decides(kind: type[Task]) -> None:
    task = kind()
    batch, again = task.sample(20, generator(0)), kind().sample(20, generator(0))
    other = task.sample(20, generator(1))
    for left, right in zip(batch, again, strict=True):
        assert left is right is None or (left is not None and right is not None and left.equal(right))
    assert not batch.x.equal(other.x)
    state = torch.get_rng_state()
    task.sample(3, generator(2))
    assert state.equal(torch.get_rng_state()), "the global generator was drawn from"


@pytest.mark.parametrize("kind", MADE)
def test_tasks_go_to_other_processes(kind: type[Task]) -> None:
    task = kind()
    for twin in (pickle.loads(pickle.dumps(task)), copy.deepcopy(task)):
        assert twin.sample(2, generator(0)).x.equal(task.sample(2, generator(0)).x)


@pytest.mark.parametrize("kind", MADE)
def test_unscored_answers_and_padding_count_for_nothing(kind: type[Task]) -> None:
    task = kind()
    batch = task.sample(5, generator(0))
    prediction = scored_like(task, batch).detach()
    if batch.mask.all():
        return
    changed = prediction + 7 * torch.randn_like(prediction) * ~batch.mask.unsqueeze(-1)
    torch.testing.assert_close(task.loss(changed, batch), task.loss(prediction, batch))
    for name, values in task.metrics(prediction, batch).items():
        torch.testing.assert_close(task.metrics(changed, batch)[name], values)


@pytest.mark.parametrize(
    "task", [kind() for kind in MADE if kind.readout == "every"] + [Copying(20, 3, loss="balanced")]
)
def test_the_loss_of_a_sample_is_the_mean_of_its_steps_in_any_chunks(task: Task) -> None:
    batch = task.sample(3, generator(0))
    steps = batch.x.size(1)
    prediction = torch.randn(3, steps, task.output_size, dtype=torch.float64)
    borders = (0, steps // 3, 2 * (steps // 3), steps)
    chunks = [
        (b - a) * task.loss(prediction[:, a:b], batch.steps(a, b)) for a, b in itertools.pairwise(borders) if b > a
    ]
    torch.testing.assert_close(sum(chunks) / steps, task.loss(prediction, batch), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("kind", MADE)
def test_bad_requests_are_refused(kind: type[Task]) -> None:
    refused(lambda: kind().sample(0, generator(0)), "n must be an integer >= 1, got 0")
    refused(lambda: kind().split("valid"), "split must be one of train, val, test, got 'valid'; did you mean 'val'?")
    if not issubclass(kind, Finite):
        refused(lambda: kind().rooted("data"), "root must be left out")


def test_batch_names_its_parts() -> None:
    assert Batch._fields == ("x", "y", "mask", "lengths")

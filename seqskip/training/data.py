"""A task as a Lightning data module: endless fresh training data, fixed validation and test data."""

from typing import Any

import torch
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader

from seqskip import checks
from seqskip.tasks import Batch, Finite, Task
from seqskip.training.loaders import Fixed, Fresh, FreshLoader, generator


class TaskData(LightningDataModule):
    """Batches of a task: fresh ones for training without end, fixed ones for validation and test.

    A training batch is a pure function of (seed, epoch, index): any number of workers and a resumed run see the
    same batches. Validation and test samples are never training samples. Of data that come as a set of samples, a
    training batch is drawn from the training split, and the others are gone through in full.

    With chunk_steps, training is by truncated backpropagation through time: each training batch comes in chunks of so
    many time steps, one training step each, and the module carries its state from one to the next. An epoch has the
    batches that it has without, and ends where a batch does. Metrics are those of whole sequences, whose answers are
    computed chunk by chunk too.

    Args:
        task: the problem.
        batch_size: samples of one training batch.
        steps_per_epoch: training batches between two validations; with chunk_steps each of them is several training
            steps, and trainer.val_check_interval=n validates after n of these.
        val_size: samples of the validation set; by default 500, or all there are of a set, which is the most.
        test_size: samples of the test set; by default 1000, or all there are of a set, which is the most.
        eval_batch_size: samples of one validation or test batch.
        num_workers: processes that make training batches beside the main one.
        seed: where all random numbers of the data start.
        chunk_steps: time steps of a chunk, for sequences too long to train on as a whole: no gradient reaches over
            the border between two; by default sequences stay whole.
        root: folder of the data of a task that reads files, in the place of the task's own.

    Raises:
        ValueError: a size is below 1, or num_workers or seed below 0; chunk_steps for a task with one answer in all;
            root for a task that reads no files, or a folder without them.
    """

    def __init__(
        self,
        task: Task,
        batch_size: int = 32,
        steps_per_epoch: int = 50,
        val_size: int | None = None,
        test_size: int | None = None,
        eval_batch_size: int = 250,
        num_workers: int = 0,
        seed: int = 0,
        chunk_steps: int | None = None,
        root: str | None = None,
    ):
        super().__init__()
        if not isinstance(task, Task):
            raise ValueError(f"task must be a seqskip.tasks.Task, got {type(task).__name__}")
        self.task = task if root is None else task.rooted(root)
        self.batch_size = checks.integer("batch_size", batch_size, 1)
        self.steps_per_epoch = checks.integer("steps_per_epoch", steps_per_epoch, 1)
        self.val_size = self._size("val", val_size, 500)
        self.test_size = self._size("test", test_size, 1000)
        self.eval_batch_size = checks.integer("eval_batch_size", eval_batch_size, 1)
        self.num_workers = checks.integer("num_workers", num_workers, 0)
        self.seed = checks.integer("seed", seed, 0)
        self.chunk_steps = None if chunk_steps is None else _chunk_steps(chunk_steps, task)

    def _size(self, split: str, asked: int | None, fresh: int) -> int:
        """Return how many samples a split has: all there are by default, `fresh` where they have no end."""
        task = self.task.split(split)
        checked = asked if asked is None else checks.integer(f"{split}_size", asked, 1)
        if isinstance(task, Finite):
            return task.size if checked is None else min(checked, task.size)
        return fresh if checked is None else checked

    def train_dataloader(self) -> FreshLoader:
        """Return the endless stream of training batches, `steps_per_epoch` an epoch, in chunks if so asked for."""
        epoch = 0 if self.trainer is None else self.trainer.current_epoch  # a loader may be made anew every epoch
        fresh = Fresh(self.task.split("train"), self.batch_size, self.steps_per_epoch, self.seed)
        steps = fresh.task.sample(1, generator(self.seed, "probe", 0, 0)).x.size(1)
        chunks = 1 if self.chunk_steps is None else -(-steps // self.chunk_steps)
        return FreshLoader(fresh, self.num_workers, epoch, self.chunk_steps, chunks)

    def val_dataloader(self) -> DataLoader[Batch]:
        """Return the validation set."""
        return self._fixed("val", self.val_size)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Return the test set."""
        return self._fixed("test", self.test_size)

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test set."""
        return self.test_dataloader()

    def probe(self, samples: int) -> Batch:
        """Return samples on which to measure gradients, drawn as for training, in no other split.

        Where samples differ in length all are of one: the greatest that enough have out of a hundred times as many.
        """
        task, random = self.task.split("train"), generator(self.seed, "probe", 0, 0)
        batch = task.sample(samples, random)
        if batch.lengths is None:
            return batch
        return _of_one_length(task.sample(100 * samples, random), samples, task.readout == "every")

    def _fixed(self, split: str, size: int) -> DataLoader[Any]:
        data = Fixed(self.task, self.eval_batch_size, size, self.seed, split)
        return DataLoader(data, batch_size=None, generator=torch.Generator())


def _chunk_steps(value: int, task: Task) -> int:
    checked = checks.integer("chunk_steps", value, 1)
    if task.readout != "every":
        raise ValueError(
            f"chunk_steps needs a task with an answer at every step, got {type(task).__name__} with one answer in all; "
            "leave it out, and save memory with checkpoint_segments of the core, whose gradients reach over all steps"
        )
    return checked


def _of_one_length(batch: Batch, samples: int, every: bool) -> Batch:
    """Return samples of one length, the longest that has enough of them, else the most frequent one; cut to it."""
    assert batch.lengths is not None
    counts = torch.bincount(batch.lengths)
    enough = (counts >= samples).nonzero().flatten()
    length = int(enough[-1] if len(enough) else counts.argmax())
    chosen = (batch.lengths == length).nonzero().flatten()[:samples]
    x, y, mask = (part[chosen] for part in (batch.x, batch.y, batch.mask))
    return Batch(x, y, mask).steps(0, length) if every else Batch(x[:, :length], y, mask)

"""A task as a Lightning data module: endless fresh training data, fixed validation and test data."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from seqskip import checks
from seqskip.tasks import Batch, Task
from seqskip.training.chunks import Chunk, cut

SPLITS = ("train", "val", "test", "probe")


def generator(seed: int, split: str, epoch: int, index: int) -> torch.Generator:
    """Return the random state of one batch, a pure function of the arguments.

    torch's CPU generator is seeded by 32 bits alone. The two lowest say which split it is, so a batch of one
    split can never be a batch of another, whatever their seeds.
    """
    drawn = int(np.random.SeedSequence((seed, epoch, index)).generate_state(1)[0])
    return torch.Generator().manual_seed((drawn & ~0b11) | SPLITS.index(split))


class Fresh(IterableDataset[Batch]):
    """The training batches of one epoch, from `start` on, shared out over processes and workers."""

    def __init__(self, task: Task, batch_size: int, steps: int, seed: int):
        self.task, self.batch_size, self.steps, self.seed = task, batch_size, steps, seed
        self.epoch, self.start = 0, 0

    def batch(self, epoch: int, index: int) -> Batch:
        """Return one batch, a pure function of (seed, epoch, index)."""
        return self.task.sample(self.batch_size, generator(self.seed, "train", epoch, index))

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        first, stride = (0, 1) if worker is None else (worker.id, worker.num_workers)
        processes = torch.distributed.is_available() and torch.distributed.is_initialized()
        rank, world = (torch.distributed.get_rank(), torch.distributed.get_world_size()) if processes else (0, 1)
        for step in range(self.start + first, self.steps, stride):
            yield self.batch(self.epoch, step * world + rank)


class FreshLoader(DataLoader[Batch]):
    """A loader that knows how far it is, so that a resumed training sees the batches it would have seen.

    The batches are cut in chunks here, and not where they are made: workers take turns batch by batch, and a batch's
    chunks stay together.

    Args:
        dataset: makes the batches.
        num_workers: processes that do.
        epoch: the first one.
        chunk_steps: time steps of a chunk; None for whole batches.
        chunks: how many there are of one batch.
    """

    def __init__(
        self, dataset: Fresh, num_workers: int, epoch: int = 0, chunk_steps: int | None = None, chunks: int = 1
    ):
        # A generator of its own: starting an epoch must not draw from the global random state.
        super().__init__(dataset, batch_size=None, num_workers=num_workers, generator=torch.Generator())
        self.fresh, self.epoch = dataset, epoch
        self.chunk_steps, self.chunks = chunk_steps, chunks
        self.done = self.step = 0  # whole batches of this epoch, and time steps of the next one
        self._begun = self._restored = False

    def __len__(self) -> int:
        return self.fresh.steps * self.chunks

    def __iter__(self) -> Iterator[Batch | Chunk]:  # type: ignore[override]  # a generator is what Lightning needs
        # An epoch may be left before its end; only a restored position is gone on from.
        if self.done == self.fresh.steps or (self._begun and not self._restored):
            self.epoch, self.done, self.step = self.epoch + 1, 0, 0
        self._begun, self._restored = True, False
        self.fresh.epoch, self.fresh.start = self.epoch, self.done
        for batch in super().__iter__():
            for piece in self._pieces(batch):
                # Counted before it is handed out: Lightning does not come back after the last one.
                self.step += piece.x.size(1)
                if self.step == batch.x.size(1):
                    self.done, self.step = self.done + 1, 0
                yield piece

    def _pieces(self, batch: Batch) -> Iterable[Batch | Chunk]:
        return [batch] if self.chunk_steps is None else cut(batch, self.chunk_steps, self.step)

    def state_dict(self) -> dict[str, int]:
        """Return the position in the stream of batches."""
        return {"epoch": self.epoch, "done": self.done, "step": self.step}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a position; a batch that is whole now from its start."""
        self.epoch, self.done, self._restored = state["epoch"], state["done"], True
        self.step = 0 if self.chunk_steps is None else state.get("step", 0)  # older checkpoints know of no chunks


class Fixed(Dataset[Batch]):
    """The same samples every time, in batches."""

    def __init__(self, task: Task, batch_size: int, size: int, seed: int, split: str):
        self.task, self.batch_size, self.size, self.seed, self.split = task, batch_size, size, seed, split

    def __len__(self) -> int:
        return -(-self.size // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        n = min(self.batch_size, self.size - index * self.batch_size)
        return self.task.sample(n, generator(self.seed, self.split, 0, index))


class TaskData(LightningDataModule):
    """Batches of a task: fresh ones for training without end, fixed ones for validation and test.

    A training batch is a pure function of (seed, epoch, index): any number of workers and a resumed run see the
    same batches. Validation and test samples are never training samples.

    With chunk_steps, training is by truncated backpropagation through time: each training batch comes in chunks of so
    many time steps, one training step each, and the module carries its state from one to the next. An epoch has the
    batches that it has without, and ends where a batch does. Metrics are those of whole sequences, whose answers are
    computed chunk by chunk too.

    Args:
        task: the problem.
        batch_size: samples of one training batch.
        steps_per_epoch: training batches between two validations; with chunk_steps each of them is several training
            steps, and trainer.val_check_interval=n validates after n of these.
        val_size: samples of the validation set.
        test_size: samples of the test set.
        eval_batch_size: samples of one validation or test batch.
        num_workers: processes that make training batches beside the main one.
        seed: where all random numbers of the data start.
        chunk_steps: time steps of a chunk, for sequences too long to train on as a whole: no gradient reaches over
            the border between two; by default sequences stay whole.

    Raises:
        ValueError: a size is below 1, or num_workers or seed below 0; chunk_steps for a task with one answer in all.
    """

    def __init__(
        self,
        task: Task,
        batch_size: int = 32,
        steps_per_epoch: int = 50,
        val_size: int = 500,
        test_size: int = 1000,
        eval_batch_size: int = 250,
        num_workers: int = 0,
        seed: int = 0,
        chunk_steps: int | None = None,
    ):
        super().__init__()
        if not isinstance(task, Task):
            raise ValueError(f"task must be a seqskip.tasks.Task, got {type(task).__name__}")
        self.task = task
        self.batch_size = checks.integer("batch_size", batch_size, 1)
        self.steps_per_epoch = checks.integer("steps_per_epoch", steps_per_epoch, 1)
        self.val_size = checks.integer("val_size", val_size, 1)
        self.test_size = checks.integer("test_size", test_size, 1)
        self.eval_batch_size = checks.integer("eval_batch_size", eval_batch_size, 1)
        self.num_workers = checks.integer("num_workers", num_workers, 0)
        self.seed = checks.integer("seed", seed, 0)
        self.chunk_steps = None if chunk_steps is None else _chunk_steps(chunk_steps, task)

    def train_dataloader(self) -> FreshLoader:
        """Return the endless stream of training batches, `steps_per_epoch` an epoch, in chunks if so asked for."""
        epoch = 0 if self.trainer is None else self.trainer.current_epoch  # a loader may be made anew every epoch
        fresh = Fresh(self.task, self.batch_size, self.steps_per_epoch, self.seed)
        chunks = 1 if self.chunk_steps is None else -(-self.probe(1).x.size(1) // self.chunk_steps)
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
        """Return samples on which to measure gradients, in no other split."""
        return self.task.sample(samples, generator(self.seed, "probe", 0, 0))

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

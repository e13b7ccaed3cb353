"""A task as a Lightning data module: endless fresh training data, fixed validation and test data."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
import torch.distributed
from pytorch_lightning import LightningDataModule
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from seqskip import checks
from seqskip.tasks import Batch, Task

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
    """A loader that knows how far it is, so that a resumed training sees the batches it would have seen."""

    def __init__(self, dataset: Fresh, num_workers: int, epoch: int = 0):
        # A generator of its own: starting an epoch must not draw from the global random state.
        super().__init__(dataset, batch_size=None, num_workers=num_workers, generator=torch.Generator())
        self.fresh, self.epoch, self.done = dataset, epoch, 0
        self._begun = self._restored = False

    def __len__(self) -> int:
        return self.fresh.steps

    def __iter__(self) -> Iterator[Batch]:  # type: ignore[override]  # a generator is what Lightning needs
        # An epoch may be left before its end; only a restored position is gone on from.
        if self.done == len(self) or (self._begun and not self._restored):
            self.epoch, self.done = self.epoch + 1, 0
        self._begun, self._restored = True, False
        self.fresh.epoch, self.fresh.start = self.epoch, self.done
        for batch in super().__iter__():
            # Counted before it is handed out: Lightning does not come back after the last one.
            self.done += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return the position in the stream of batches."""
        return {"epoch": self.epoch, "done": self.done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from a position."""
        self.epoch, self.done, self._restored = state["epoch"], state["done"], True


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

    Args:
        task: the problem.
        batch_size: samples of one training batch.
        steps_per_epoch: training batches between two validations.
        val_size: samples of the validation set.
        test_size: samples of the test set.
        eval_batch_size: samples of one validation or test batch.
        num_workers: processes that make training batches beside the main one.
        seed: where all random numbers of the data start.

    Raises:
        ValueError: a size is below 1, or num_workers or seed below 0.
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

    def train_dataloader(self) -> FreshLoader:
        """Return the endless stream of training batches, `steps_per_epoch` an epoch."""
        epoch = 0 if self.trainer is None else self.trainer.current_epoch  # a loader may be made anew every epoch
        return FreshLoader(Fresh(self.task, self.batch_size, self.steps_per_epoch, self.seed), self.num_workers, epoch)

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

"""Loaders of a task's samples: endless fresh ones for training, the same every time for validation and test."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
import torch.distributed
from torch.utils.data import DataLoader, Dataset, IterableDataset, get_worker_info

from seqskip.tasks import Batch, Finite, Task
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
    """The same samples of a split every time, in batches; `size` is how many there are in all."""

    def __init__(self, task: Task, batch_size: int, size: int, seed: int, split: str):
        self.task, self.batch_size, self.size, self.seed, self.split = task.split(split), batch_size, size, seed, split

    def __len__(self) -> int:
        return -(-self.size // self.batch_size)

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < len(self):
            raise IndexError(index)
        first = index * self.batch_size
        n = min(self.batch_size, self.size - first)
        if isinstance(self.task, Finite):  # evenly spread: data come sorted by class, or by who wrote them
            return self.task.take((first + torch.arange(n)) * self.task.size // self.size)
        return self.task.sample(n, generator(self.seed, self.split, 0, index))

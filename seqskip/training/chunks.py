"""Truncated backpropagation through time: sequences in chunks, and the state that goes from one to the next.

The training step of a chunk minimises L(x_{a+1..b}; s_a), where the state s_a after the chunk before is a constant: its
gradient is exact within the chunk, and cut where the chunk begins. What a step holds grows with the chunk alone.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lightning_utilities.core.apply_func import apply_to_collection
from torch import Tensor

from seqskip.interface import LayerState
from seqskip.model import SequenceModel
from seqskip.tasks import Batch


class Chunk(NamedTuple):
    """Some steps of a batch of sequences, which one training step sees.

    Attributes:
        x, y, mask: as of a `seqskip.tasks.Batch` with an answer at every step, (B, t, ...).
        first: whether new sequences begin here; else they are those of the chunk before, and go on.
    """

    x: Tensor
    y: Tensor
    mask: Tensor
    first: bool

    @property
    def batch(self) -> Batch:
        """The samples, as a task scores them."""
        return Batch(self.x, self.y, self.mask)


def cut(batch: Batch, steps: int, start: int = 0) -> Iterator[Chunk]:
    """Yield a batch in chunks of so many steps, the last of what is left, from one of its steps on."""
    for a in range(start, batch.x.size(1), steps):
        piece = batch.steps(a, a + steps)
        yield Chunk(piece.x, piece.y, piece.mask, a == 0)


class Carried:
    """What goes from one chunk to the next: the state of a model's core, without the graph that made it.

    Attributes:
        state: after the last chunk; None before any.
    """

    def __init__(self) -> None:
        self.state: LayerState | None = None
        self._before: LayerState | None = None
        self._chunk: Chunk | None = None

    def run(self, model: SequenceModel, chunk: Chunk) -> Tensor:
        """Return the model's answers to a chunk, (B, t, output_size), and keep the state after it.

        The same chunk again starts where it did: some optimizers ask for a loss several times in one step.

        Raises:
            ValueError: the chunk goes on with sequences that did not begin, or not with these.
        """
        if chunk is not self._chunk:
            self._before, self._chunk = self._start(chunk), chunk
        answers, state = model.run(chunk.x, self._before)
        self.state = apply_to_collection(state, Tensor, Tensor.detach)
        return answers

    def _start(self, chunk: Chunk) -> LayerState | None:
        first: object = chunk.first
        if not isinstance(first, bool):
            got = f"first of a chunk must be True or False, got {first!r}"
            raise ValueError(f"{got}; a DataLoader leaves chunks as they are with batch_size=None")
        if chunk.first:
            return None
        if self.state is None:
            raise ValueError("a chunk with first=False needs the one before it, got none; begin with first=True")
        return self.state

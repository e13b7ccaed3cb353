"""Truncated backpropagation through time as a plain loop, and as one over single steps: what Lightning's must equal."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import LBFGS

from seqskip.interface import LayerState
from seqskip.training import Chunk, SequenceModule


def detached(state: LayerState) -> LayerState:
    return state.detach() if isinstance(state, Tensor) else tuple(part.detach() for part in state)


def step_by_step(module: SequenceModule, chunk: Chunk, state: LayerState | None) -> tuple[Tensor, LayerState]:
    """Return the loss of a chunk and the state after it, by a loop over single steps of the reference engine."""
    model, outputs, extra = module.model, [], []
    model.core.backend = "reference"
    for x in model.encoder(chunk.x).unbind(1):
        output, state = model.core.step(x, state)
        outputs.append(output)
        extra.append(model.core.extra_loss())
    assert state is not None
    loss = module.task.loss(model.head(torch.stack(outputs, 1)), chunk.batch)
    return loss + sum(one for one in extra if one is not None), state


def looped(module: SequenceModule, chunks: Iterable[Chunk], accumulate: int = 1, clip: float | None = None) -> None:
    """Train a module as Lightning should, by a plain loop."""
    optimizer: Any = module.optimizer(module.model.parameters())
    state: LayerState | None = None
    for n, chunk in enumerate(chunks, 1):
        before, after = None if chunk.first else state, []

        def loss(chunk: Chunk = chunk, before: LayerState | None = before, after: list[Any] = after) -> Tensor:
            answers, reached = module.model.run(chunk.x, before)
            after.append(detached(reached))
            return module.task.loss(answers, chunk.batch) / accumulate

        if isinstance(optimizer, LBFGS):
            optimizer.step(lambda loss=loss: backward(optimizer, loss))
        else:
            loss().backward()
            if n % accumulate == 0:
                nn.utils.clip_grad_norm_(module.model.parameters(), clip) if clip else None
                optimizer.step()
                optimizer.zero_grad()
        state = after[-1]


def backward(optimizer: LBFGS, loss: Any) -> Tensor:
    optimizer.zero_grad()
    value: Tensor = loss()
    value.backward()
    return value

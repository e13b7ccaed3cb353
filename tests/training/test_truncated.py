"""Truncated backpropagation through time: exact in a chunk, cut at its border, and a plain loop over chunks."""

import copy
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.optim import LBFGS, RMSprop

import seqskip
from seqskip.tasks import Batch, Copying
from seqskip.training import Chunk, SequenceModule, TaskData, build_module
from seqskip.training.chunks import cut
from tests.contract import Case
from tests.found import Variant
from tests.strategies import as_parts, assert_close
from tests.test_bad_input import refused
from tests.training.helpers import distance, fit, tiny
from tests.training.plain_loop import detached, looped, step_by_step
from tests.training.test_every_layer import FIRST

SKIPS = {"delays": ((1, 3), (2, 4)), "residual": "add"}
CORES = [*FIRST, *(Case(layer, SKIPS) for layer in (seqskip.RNN, seqskip.LSTM, seqskip.GRU))]
CORES += [Case(seqskip.SkipGRU, {"cost_per_sample": 0.1}), Case(seqskip.LSTM, SKIPS | {"input_delays": (0, 2)})]
CORES += [Case(seqskip.GRU, SKIPS | {"learn_initial_state": True})]


@pytest.mark.parametrize("case", CORES, ids=str)
def test_gradients_are_exact_in_a_chunk_and_cut_at_its_border(case: Case) -> None:
    task = Copying(5, symbols=2, alphabet=2, loss="balanced")
    mine = build_module(task, lambda size, **rest: case.made(input_size=size, **rest))
    mine.model.double()
    truth, state = copy.deepcopy(mine), None
    x, y, mask, _ = task.sample(3, torch.Generator().manual_seed(0))
    for chunk in cut(Batch(x.double(), y, mask), 4):
        expected, after = step_by_step(truth, chunk, state)
        losses = mine.loss_on(chunk), expected
        gradients = [
            torch.autograd.grad(loss, list(one.model.parameters()), materialize_grads=True, allow_unused=True)
            for loss, one in zip(losses, (mine, truth), strict=True)
        ]
        assert_close([losses[0], *gradients[0]], [losses[1], *gradients[1]])
        state = detached(after)
        assert mine.carried.state is not None
        assert_close(as_parts(mine.carried.state), as_parts(state))
        for one in (mine, truth):  # the state that is carried on is that of the weights before
            step(one, gradients[1])


def step(module: SequenceModule, gradients: Iterable[Tensor]) -> None:
    with torch.no_grad():
        for weight, gradient in zip(module.model.parameters(), gradients, strict=True):
            weight -= 0.01 * gradient


def stream(data: TaskData) -> Iterable[Chunk]:
    loader = data.train_dataloader()
    while True:
        yield from loader  # type: ignore[misc]


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (partial(RMSprop, lr=1e-2), {}),
        (partial(RMSprop, lr=1e-2), {"accumulate": 2, "clip": 0.1}),
        (partial(LBFGS, max_iter=3), {}),
    ],
    ids=["RMSprop", "accumulated and clipped", "LBFGS"],
)
def test_a_training_is_the_plain_loop(tmp_path: Path, optimizer: Any, settings: dict[str, Any]) -> None:
    (mine, data), (truth, same) = (tiny(steps_per_epoch=2, chunk_steps=5) for _ in range(2))
    mine.optimizer = truth.optimizer = optimizer
    names = {"accumulate": "accumulate_grad_batches", "clip": "gradient_clip_val"}
    steps = 12 // settings.get("accumulate", 1)
    fit(mine, data, tmp_path, steps, limit_val_batches=0, **{names[key]: value for key, value in settings.items()})
    start = copy.deepcopy(truth)
    looped(truth, islice(stream(same), 12), **settings)
    assert distance(start, truth) > 0.01
    assert distance(mine, truth) < 1e-6


@pytest.mark.parametrize("chunk_steps", [18, 1000])
def test_one_chunk_is_full_backpropagation(tmp_path: Path, chunk_steps: int) -> None:
    whole, batches = tiny(dropout=0.5)
    fit(whole, batches, tmp_path, 7)
    mine, chunks = tiny(dropout=0.5, chunk_steps=chunk_steps)  # both draw the same masks
    fit(mine, chunks, tmp_path, 7)
    assert distance(whole, mine) == 0


def test_several_chunks_are_not(tmp_path: Path) -> None:
    (whole, batches), (mine, chunks) = tiny(), tiny(chunk_steps=9)
    fit(whole, batches, tmp_path, 1)
    fit(mine, chunks, tmp_path, 1, accumulate_grad_batches=2)
    assert distance(whole, mine) > 0


def test_the_state_carried_is_that_of_the_steps_before(tmp_path: Path) -> None:
    module, data = tiny(lr=0.0, chunk_steps=5)
    chunks = list(islice(stream(data), 7))
    fit(module, data, tmp_path, 7)
    seen = torch.cat([chunk.x for chunk in chunks[4:]], 1)  # four chunks are one batch, and then others begin
    _, expected = module.model.core(module.model.encode(seen))
    assert module.carried.state is not None
    torch.testing.assert_close(module.carried.state, expected, rtol=0, atol=1e-6)


def test_nothing_of_a_chunk_but_its_state_is_kept(variant: Variant) -> None:
    task = Copying(30, symbols=2)
    core = partial(variant.build, hidden_size=4, num_layers=2, delays=((1, 3), (2,)))
    module = build_module(task, lambda size, **rest: core(size, **rest))
    for chunk in cut(task.sample(2, torch.Generator()), 10):
        module.loss_on(chunk).backward()
        for part in as_parts(module.carried.state):  # type: ignore[arg-type]
            assert part.grad_fn is None
            assert part.untyped_storage().nbytes() == part.numel() * part.element_size()


def test_a_chunk_needs_the_one_before() -> None:
    module, data = tiny()
    chunks = list(cut(data.probe(3), 10))
    with refused("a chunk with first=False needs the one before it", "begin with first=True"):
        module.loss_on(chunks[1])
    with refused("first of a chunk must be True or False", "got tensor", "batch_size=None"):
        module.loss_on(chunks[0]._replace(first=torch.tensor([True])))  # type: ignore[arg-type]
    module.loss_on(chunks[0])
    fewer = Chunk(*(part[:2] for part in chunks[1][:3]), first=False)
    with refused("state h_0 must have shape", "got", "same batch size"):
        module.loss_on(fewer)

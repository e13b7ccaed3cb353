"""Truncated backpropagation through time: exact in a chunk, cut at its border, and the same however it is run."""

import copy
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import Trainer
from torch import Tensor, nn
from torch.optim import LBFGS, RMSprop

import seqskip
from seqskip.cli.quiet import quiet
from seqskip.interface import LayerState
from seqskip.recurrent import Recurrent
from seqskip.tasks import Batch, Copying
from seqskip.training import Chunk, SequenceChunks, SequenceModule, TaskData, build_module
from seqskip.training.chunks import cut
from tests.contract import Case
from tests.strategies import as_parts, assert_close
from tests.test_bad_input import refused
from tests.training.helpers import distance, fit, tiny
from tests.training.test_every_layer import FIRST

SKIPS = {"delays": ((1, 3), (2, 4)), "residual": "add"}
CORES = [*FIRST, *(Case(layer, SKIPS) for layer in (seqskip.RNN, seqskip.LSTM, seqskip.GRU))]
CORES += [Case(seqskip.SkipGRU, {"cost_per_sample": 0.1}), Case(seqskip.LSTM, SKIPS | {"input_delays": (0, 2)})]


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
    loss = module.task.loss(model.head(torch.stack(outputs, 1)), Batch(*chunk[:3]))
    return loss + sum(one for one in extra if one is not None), state


@pytest.mark.parametrize("case", CORES, ids=str)
def test_gradients_are_exact_in_a_chunk_and_cut_at_its_border(case: Case) -> None:
    task = Copying(5, symbols=2, alphabet=2, loss="balanced")
    mine = build_module(task, lambda size, **rest: case.made(input_size=size, **rest))
    mine.model.double()
    truth, state = copy.deepcopy(mine), None
    x, y, mask = task.sample(3, torch.Generator().manual_seed(0))
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


def looped(module: SequenceModule, chunks: Iterable[Chunk], accumulate: int = 1, clip: float | None = None) -> None:
    """Train a module as Lightning should, by a plain loop."""
    optimizer: Any = module.optimizer(module.model.parameters())
    state: LayerState | None = None
    for n, chunk in enumerate(chunks, 1):
        before, after = None if chunk.first else state, []

        def loss(chunk: Chunk = chunk, before: LayerState | None = before, after: list[Any] = after) -> Tensor:
            answers, reached = module.model.run(chunk.x, before)
            after.append(detached(reached))
            return module.task.loss(answers, Batch(*chunk[:3])) / accumulate

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


@pytest.mark.parametrize("interrupted_at", [2, 4, 7, 20, 23])
def test_a_run_resumed_in_a_sequence_is_the_same_run(tmp_path: Path, interrupted_at: int) -> None:
    settings: dict[str, Any] = {"dropout": 0.5, "chunk_steps": 5}  # four chunks a batch, twenty an epoch
    whole, data = tiny(**settings)
    fit(whole, data, tmp_path, 26)
    first, data = tiny(**settings)
    fit(first, data, tmp_path, interrupted_at).save_checkpoint(tmp_path / "part.ckpt")
    rest, data = tiny(**settings, seed=7)
    fit(rest, data, tmp_path, 26, ckpt_path=tmp_path / "part.ckpt")
    assert distance(whole, first) > 0
    assert distance(whole, rest) == 0


def test_validation_within_a_sequence_disturbs_nothing(tmp_path: Path) -> None:
    (plain, data), (validated, same) = tiny(chunk_steps=5), tiny(chunk_steps=5)
    fit(plain, data, tmp_path, 11, limit_val_batches=0)
    trainer = fit(validated, same, tmp_path, 11, val_check_interval=3)
    assert "val/loss" in trainer.callback_metrics
    assert distance(plain, validated) == 0


def quiet_trainer(**settings: Any) -> Trainer:
    return Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, **settings)


@pytest.mark.parametrize("core", [partial(seqskip.LSTM, delays=(1, 4)), seqskip.SkipGRU])
def test_evaluation_holds_a_chunk_and_says_the_same(core: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    task, seen = Copying(12, symbols=3), set()
    module, run = build_module(task, partial(core, hidden_size=4)), Recurrent.run
    monkeypatch.setattr(Recurrent, "run", lambda self, z, *rest: seen.add(len(z)) or run(self, z, *rest))
    found = []
    for chunk_steps in (None, 5):
        data = TaskData(task, test_size=7, eval_batch_size=3, chunk_steps=chunk_steps)
        seen.clear()
        with quiet():
            (measured,) = quiet_trainer().test(module, data, verbose=False)
            answers = quiet_trainer().predict(module, data)
        found.append((measured, answers))
    assert seen == {5, 3}
    assert found[1][0] == pytest.approx(found[0][0], rel=1e-5)
    assert ("test/share_of_updates" in found[0][0]) == (core is seqskip.SkipGRU)
    torch.testing.assert_close(found[1][1], found[0][1])


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_precisions(tmp_path: Path, precision: Any) -> None:
    module, data = tiny(chunk_steps=5)
    trainer = fit(module, data, tmp_path, 6, precision=precision)
    assert bool(trainer.callback_metrics["train/loss"].isfinite())


def recording() -> tuple[SequenceModule, Batch]:
    """Return a module and one long sequence for each of three samples."""
    module, data = tiny(dropout=0.5)
    x, y, mask = (part.flatten(0, 1).unflatten(0, (3, 36)) for part in data.task.sample(6, torch.Generator()))
    return module, Batch(x, y, mask)


def train(module: SequenceModule, chunks: Any, folder: Path, steps: int, **settings: Any) -> Trainer:
    with quiet():
        trainer = quiet_trainer(max_steps=steps, default_root_dir=folder, enable_checkpointing=False)
        trainer.fit(module, chunks, copy.copy(chunks), weights_only=True, **settings)
    return trainer


def test_long_sequences_of_ones_own(tmp_path: Path) -> None:
    (mine, batch), (truth, _) = recording(), recording()
    mine.model.core.dropout = truth.model.core.dropout = 0.0
    chunks = SequenceChunks(batch.x.numpy(), batch.y.numpy(), 10)
    train(mine, chunks, tmp_path, 9)
    looped(truth, [*chunks, *chunks, *chunks][:9])
    assert distance(mine, truth) < 1e-6


@pytest.mark.parametrize("interrupted_at", [3, 4, 6])
def test_long_sequences_go_on_where_they_were(tmp_path: Path, interrupted_at: int) -> None:
    whole, batch = recording()
    train(whole, SequenceChunks(*batch[:2], 10), tmp_path, 9)
    first, _ = recording()
    train(first, SequenceChunks(*batch[:2], 10), tmp_path, interrupted_at).save_checkpoint(tmp_path / "part.ckpt")
    rest, _ = recording()
    train(rest, SequenceChunks(*batch[:2], 10), tmp_path, 9, ckpt_path=tmp_path / "part.ckpt")
    assert distance(whole, first) > 0
    assert distance(whole, rest) == 0


def test_metrics_of_chunks_count_by_their_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    module, batch = recording()
    module.eval()

    def metrics(prediction: Tensor, batch: Batch) -> dict[str, Tensor]:
        return {"loss": nn.functional.cross_entropy(prediction.transpose(1, 2), batch.y, reduction="none").mean(1)}

    monkeypatch.setattr(module.task, "metrics", metrics)
    with quiet():
        (measured,) = quiet_trainer().test(module, SequenceChunks(*batch[:2], 10), verbose=False)
    with torch.no_grad():
        expected = metrics(module(batch.x), batch)["loss"].mean()
    assert measured["test/loss"] == pytest.approx(float(expected), rel=1e-5)


def test_a_chunk_needs_the_one_before() -> None:
    module, batch = recording()
    chunks = list(cut(batch, 10))
    with refused("a chunk with first=False needs the one before it", "begin with first=True"):
        module.loss_on(chunks[1])
    with refused("first of a chunk must be True or False", "got tensor", "batch_size=None"):
        module.loss_on(chunks[0]._replace(first=torch.tensor([True])))  # type: ignore[arg-type]
    module.loss_on(chunks[0])
    fewer = Chunk(*(part[:2] for part in chunks[1][:3]), first=False)
    with refused("state h_0 must have shape", "got", "same batch size"):
        module.loss_on(fewer)


def test_nothing_of_a_chunk_but_its_state_is_kept(variant: Any) -> None:
    task = Copying(30, symbols=2)
    core = partial(variant.build, hidden_size=4, num_layers=2, delays=((1, 3), (2,)))
    module = build_module(task, lambda size, **rest: core(size, **rest))
    for chunk in cut(task.sample(2, torch.Generator()), 10):
        module.loss_on(chunk).backward()
        for part in as_parts(module.carried.state):  # type: ignore[arg-type]
            assert part.grad_fn is None
            assert part.untyped_storage().nbytes() == part.numel() * part.element_size()

"""A hundred recurrent layers: which stacks train, and the gradient through their depth.

    python -m seqskip.benchmark.depth --out docs/depth.png

Stacks of one size, one above the other, learn to repeat two symbols after a short blank: little memory, much depth.
"""

import argparse
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seqskip.analysis import DepthGradients, depth_gradients
from seqskip.analysis.plots import plot_depth, save
from seqskip.benchmark.arguments import Command, count_of, picture_of
from seqskip.layers import RNN
from seqskip.model import SequenceModel
from seqskip.tasks import Copying

LAYERS, UNITS, STEPS, BATCH, RATE, CLIP = 100, 16, 100, 64, 3e-3, 1.0
HELD_OUT = 256
TASK = Copying(delay=2, symbols=2, alphabet=4, loss="balanced")
STACKS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "residual": {"residual": "add"},
    "residual, α from 0.1": {"residual": "add", "residual_scale": 0.1},
    "residual, α from 0 (ReZero)": {"residual": "add", "residual_scale": 0.0},
    "residual, layer norm first": {"residual": "add", "norm": "layer", "norm_first": True},
}


@dataclass(frozen=True)
class Look:
    """What a stack does with samples that it has not seen."""

    loss: float  # over the recalled steps, nats
    accuracy: float  # of the recall
    gradients: DepthGradients


@dataclass(frozen=True)
class Trained:
    """What became of one stack."""

    before: Look
    after: Look

    def row(self, name: str) -> str:
        """Return the line of a table."""
        start = self.before.gradients
        norms = "".join(f"{_power(start.log_norm[layer]):>10}" for layer in (1, start.num_layers // 2, -1))
        return f"{name:<28}{self.before.loss:>8.3f}{self.after.loss:>8.3f}{self.after.accuracy:>10.2f}  {norms}"


def main(words: Sequence[str] | None = None) -> int:
    """Train, print the table, write the picture, and return 0, or 130 if it was interrupted."""
    command = Command("seqskip.benchmark.depth", __doc__)
    add = command.add_argument
    add("--out", type=picture_of, default=Path("depth.png"), metavar="FILE", help="the picture (default: depth.png)")
    add(
        "--layers",
        type=partial(count_of, least=2),
        default=LAYERS,
        metavar="L",
        help=f"of each stack (default: {LAYERS})",
    )
    add("--steps", type=count_of, default=STEPS, metavar="N", help=f"training steps (default: {STEPS})")
    return command.run(words, _print_table)


def _print_table(options: argparse.Namespace) -> None:
    start, chance = time.perf_counter(), TASK.baseline()
    print(f"{options.layers} tanh layers of {UNITS} units, {options.steps} training steps; without memory the loss is")
    print(f"{chance['recall_loss']:.3f} nats and the accuracy {chance['recall_accuracy']:.2f}\n")
    print(f"{'':28}{'loss':>8}{'after':>8}{'accuracy':>10}  {'‖∂L/∂z‖ of layer 1, in the middle, at the top':>30}")
    found = {}
    for name, wiring in STACKS.items():
        found[name] = train(wiring, options.layers, options.steps)
        print(found[name].row(name), flush=True)
    title = f"{options.layers} layers as they are initialised"
    save(plot_depth({name: each.before.gradients for name, each in found.items()}, title=title), options.out)
    print(f"\npicture {options.out}; {(time.perf_counter() - start) / 60:.1f} minutes")


def train(wiring: Mapping[str, Any], layers: int = LAYERS, steps: int = STEPS, seed: int = 0) -> Trained:
    """Train one stack with Adam."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        core = RNN(UNITS, UNITS, layers, **wiring)
        model = SequenceModel(core, input_size=TASK.input_size, output_size=TASK.output_size, readout="every")
    before = _look(model)
    optimizer, generator = torch.optim.Adam(model.parameters(), RATE), torch.Generator().manual_seed(seed)
    for _ in range(steps):
        batch = TASK.sample(BATCH, generator)
        optimizer.zero_grad()
        torch.autograd.backward(TASK.loss(model(batch.x), batch))
        nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        optimizer.step()
    return Trained(before, _look(model))


def _look(model: SequenceModel) -> Look:
    batch = TASK.sample(HELD_OUT, torch.Generator().manual_seed(1))
    with torch.no_grad():
        metrics = TASK.metrics(model(batch.x), batch)
    gradients = depth_gradients(model, batch.x, lambda answer: TASK.loss(answer, batch))
    return Look(metrics["recall_loss"].mean().item(), metrics["recall_accuracy"].mean().item(), gradients)


def _power(log: float) -> str:
    return f"10^{log / math.log(10):.1f}"


if __name__ == "__main__":
    sys.exit(main())

"""Samples of a task as a picture: the input over time, and below it what is asked."""

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from seqskip.analysis.plots import BLUE, ORANGE, save
from seqskip.tasks import Batch, Task

FEW = 4  # features that are drawn as lines and not as an image


def draw_samples(task: Task, batch: Batch, path: str) -> None:
    """Draw a batch to a file, one sample below the other.

    Raises:
        ValueError: matplotlib has no format of that ending.
    """
    count, every = len(batch.x), task.readout == "every"
    heights = [2.0, 1.0] * count if every else [2.0] * count
    figure = Figure(figsize=(9, 1 + 0.9 * sum(heights)), layout="constrained", dpi=120)
    rows = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    for row in range(count):
        steps = batch.x.size(1) if batch.lengths is None else int(batch.lengths[row])
        x, y, mask = batch.x[row], batch.y[row], batch.mask[row]
        ax = rows[2 * row if every else row]
        _draw_input(ax, task, x[:steps])
        if every:
            _draw_answers(rows[2 * row + 1], task, y[:steps], mask[:steps])
        else:
            ax.set_title(f"answer: {_text(task, y)}", fontsize="small", loc="right", color=ORANGE)
    figure.suptitle(f"{type(task).__name__}: lag {task.lag:,} time steps")
    longest = batch.x.size(1) if batch.lengths is None else int(batch.lengths.max())
    rows[-1].set(xlabel="time step", xlim=(-0.5, longest - 0.5))  # each image would set it to its own length
    try:
        save(rows[0], path)
    except ValueError as error:
        raise ValueError(f"plot must be a file that matplotlib can write, got {path!r}: {error}") from None


def _draw_input(ax: Axes, task: Task, x: Tensor) -> None:
    if x.dim() == 2 and x.size(1) > FEW:
        ax.imshow(x.T.numpy(), aspect="auto", interpolation="nearest", cmap="Greys", origin="lower")
        _name(ax, task.inputs, x.size(1))
    elif x.dim() == 2:
        for n, feature in enumerate(x.T.numpy()):
            ax.plot(feature, color=(BLUE, ORANGE, "#009E73", "#CC79A7")[n], linewidth=1)
    else:
        ax.plot(x.numpy(), ".", color=BLUE, markersize=3)
        _name(ax, task.inputs, task.num_embeddings or 0)
    ax.set_ylabel("input")


def _draw_answers(ax: Axes, task: Task, y: Tensor, mask: Tensor) -> None:
    scored = mask.reshape(len(mask), -1).any(1)
    steps = torch.arange(len(y))[scored]
    ax.plot(steps.numpy(), y[scored].numpy(), ".", color=ORANGE, markersize=3)
    if not y.is_floating_point():
        ax.set_ylim(-0.5, task.output_size - 0.5)
        _name(ax, task.classes, task.output_size)
    ax.set_ylabel("answer")


def _name(ax: Axes, names: object, count: int) -> None:
    """Name each place of a vertical axis where there is room for it."""
    if isinstance(names, list | tuple) and count <= 12:
        ax.set_yticks(range(count), names, fontsize="x-small")


def _text(task: Task, y: Tensor) -> str:
    if y.is_floating_point():
        return ", ".join(f"{value:.3g}" for value in y.flatten().tolist())
    return str(int(y)) if task.classes is None else task.classes[int(y)]

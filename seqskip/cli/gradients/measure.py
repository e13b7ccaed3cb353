"""The measurement of a study, net by net."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from seqskip.analysis import Decay, gradient_decay
from seqskip.cli.gradients.study import Study, Subject


def measure(study: Study, wrt: str, norm: str) -> list[Decay]:
    """Return the gradient decay of each subject, its nets along the axis of the seeds."""
    count = sum(1 + len(subject.others) for subject in study.subjects)
    # On a terminal a bar that goes when all is done; in a log nothing.
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        bar = progress.add_task("measuring", total=count)
        return [_decay(study, subject, wrt, norm, lambda: progress.advance(bar)) for subject in study.subjects]


def _decay(study: Study, subject: Subject, wrt: str, norm: str, done: Callable[[], None]) -> Decay:
    def loss(answer: Tensor) -> Tensor:
        return at_last_step(study, answer)

    x, decays = study.probe.x, []
    for model in subject.models():
        dtype = next(model.parameters()).dtype
        read = x.to(dtype) if x.is_floating_point() else x
        decays.append(gradient_decay(model.eval(), read, wrt=wrt, norm=norm, loss=loss))
        done()
    return replace(decays[0], log_norm=np.concatenate([decay.log_norm for decay in decays]))


def at_last_step(study: Study, answer: Tensor) -> Tensor:
    """Return the task's loss of the answers at the last time step, (B, output_size).

    A loss is a sum over time steps: the answers at the others do not change the gradient of the last.
    """
    if study.task.readout == "every":
        others = answer.new_zeros(len(answer), study.steps - 1, answer.size(-1))
        answer = torch.cat((others, answer.unsqueeze(1)), 1)
    return study.task.loss(answer, study.probe)

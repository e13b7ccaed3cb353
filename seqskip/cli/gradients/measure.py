"""The measurement of a study, net by net."""

from collections.abc import Callable

from rich.console import Console
from rich.progress import Progress
from torch import Tensor

from seqskip.analysis import Decay, gradient_decay
from seqskip.cli.gradients.study import Study, Subject
from seqskip.training.probe import at_last_step


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
        return at_last_step(study.task, answer, study.probe)

    x, decays = study.probe.x, []
    for model in subject.models():
        dtype = next(model.parameters()).dtype
        read = x.to(dtype) if x.is_floating_point() else x
        decays.append(gradient_decay(model.eval(), read, wrt=wrt, norm=norm, loss=loss, theory=True))
        done()
    return Decay.joined(decays)

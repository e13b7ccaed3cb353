"""What is compared: nets, and the samples of one task on which they are measured."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seqskip.cli.gradients.options import Options
from seqskip.model import SequenceModel
from seqskip.tasks import Batch, Task
from seqskip.training import Run, TaskData


@dataclass(frozen=True)
class Subject:
    """Nets that differ in their initial weights alone: one curve, with its spread over them."""

    name: str
    first: SequenceModel
    others: tuple[Callable[[], SequenceModel], ...] = ()

    def models(self) -> Iterator[SequenceModel]:
        """Make one net after the other."""
        yield self.first
        yield from (make() for make in self.others)


@dataclass(frozen=True)
class Study:
    """Nets to be compared on the same samples.

    Attributes:
        kind: in what the nets differ, "delays" or "weights".
        name: of the run, the checkpoint or the config.
        task: whose samples and whose loss they are.
        probe: the samples, in no training, validation or test set.
        lag: time steps back that a net must reach.
        subjects: the nets.
        out: the folder to write to.
        run: the training whose stored curves are drawn again.
        left_out: which net is not among them, and why, in a sentence; "" for none.
    """

    kind: str
    name: str
    task: Task
    probe: Batch
    lag: int
    subjects: tuple[Subject, ...]
    out: Path
    run: Run | None = None
    left_out: str = ""

    @property
    def steps(self) -> int:
        """The time steps T of a sample."""
        return self.probe.x.size(1)

    @property
    def title(self) -> str:
        """What is measured, in one line."""
        samples = f"{len(self.probe.x)} samples of {self.steps:,} steps"
        return f"{self.name}: {type(self.task).__name__}, lag {self.lag:,}, {samples}"


def study(
    options: Options,
    kind: str,
    name: str,
    data: TaskData,
    subjects: tuple[Subject, ...],
    out: Path,
    run: Run | None = None,
) -> Study:
    """Return a study of some nets with the samples and the lag that the options ask for.

    Raises:
        ValueError: the lag, or a delay, is longer than a sample.
    """
    probe = data.probe(options.samples)
    # Where samples differ in length, those that are measured may be shorter than the task's lag.
    lag = min(data.task.lag, probe.x.size(1) - 1) if options.lag is None else options.lag
    made = Study(kind, name, data.task, probe, lag, subjects, Path(options.out) if options.out else out, run)
    task, longest = type(data.task).__name__, made.steps - 1
    if not 1 <= lag <= longest:
        raise ValueError(f"--lag must be from 1 to {longest:,}, the lags within a sample of {task}, got {lag:,}")
    for subject in subjects:
        delay = max(max(delays) for delays in subject.first.core.delays)
        if delay > longest:
            raise ValueError(
                f"delays must be at most {longest:,}, the lags within a sample of {task}, got {delay:,}; "
                "a longer edge carries nothing: shorten it, or lengthen the task"
            )
    return made

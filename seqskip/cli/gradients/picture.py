"""The picture of a study."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from seqskip.analysis import Decay
from seqskip.analysis.plots import mark_lag, plot_curve
from seqskip.cli.gradients.study import Study


def draw(path: Path, study: Study, decays: Sequence[Decay]) -> None:
    """Draw the decay of every net, and the lag that they must reach."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    ax = figure.subplots()
    for subject, decay in zip(study.subjects, decays, strict=True):
        plot_curve(ax, decay.stack, label=f"{study.kind} {subject.name}" if study.kind == "delays" else subject.name)
    mark_lag(ax, study.lag)
    ax.set_title(study.title)
    ax.grid(alpha=0.25)
    ax.legend()
    figure.savefig(path, dpi=150)

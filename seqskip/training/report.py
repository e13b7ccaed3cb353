"""The closing table of a run: what was reached, beside what it is measured against."""

from typing import Any

from rich.console import Console
from rich.table import Table

from seqskip.analysis.words import steps_text
from seqskip.training.callback import GradientDecay
from seqskip.training.module import SequenceModule


def metric_rows(module: SequenceModule, metrics: dict[str, float], split: str) -> dict[str, dict[str, float]]:
    """Return each metric of a split beside the value of the best guess there that remembers nothing."""
    baseline = module.task.split(split).baseline()
    return {name: {"measured": metrics[name], "baseline": baseline[name]} for name in baseline if name in metrics}


def reported_rows(module: SequenceModule, metrics: dict[str, float]) -> dict[str, float]:
    """Return what the core reported of itself."""
    return {name: value for name, value in metrics.items() if name not in module.task.baseline()}


def gradient_rows(measured: GradientDecay) -> dict[str, float]:
    """Return the half-lives at the start and at the end and the lag that the task needs, in steps, and the overhead."""
    curves = measured.curves
    if curves is None:
        return {}
    return {
        "half_life_start": curves.curve(0).half_life,
        "half_life_end": curves.curve(-1).half_life,
        "lag": float(curves.lag),
        "overhead": measured.budget.overhead,
    }


def print_summary(summary: dict[str, Any], title: str) -> None:
    """Print a summary as one short table."""
    table = Table(title=title, title_justify="left")
    for column in ("", "measured", "beside"):
        table.add_column(column, justify="left" if not column else "right")
    for name, row in summary["metrics"].items():
        table.add_row(name.replace("_", " "), f"{row['measured']:.4g}", f"{row['baseline']:.4g} without memory")
    for name, value in summary["reported"].items():
        table.add_row(name.replace("_", " "), f"{value:.4g}", "")
    if "steps" in summary:
        verdict = "solved" if summary["solved"] else "not solved"
        table.add_row("training steps", f"{summary['steps']:,}", verdict)
        table.add_row("training time", f"{summary['seconds']:.0f} s", f"{summary['parameters']:,} parameters")
    if "half_life_end" in summary.get("gradient", {}):
        gradient = summary["gradient"]
        lag = f"task's lag {steps_text(gradient['lag'])}"
        table.add_row("gradient half-life, start", steps_text(gradient["half_life_start"]), lag)
        table.add_row("gradient half-life, end", steps_text(gradient["half_life_end"]), lag)
    Console().print(table)

"""The suites in a list, and what a suite would run."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.grid.read import read, shipped
from seqskip.benchmark.grid.suite import Suite
from seqskip.benchmark.report.words import tried


def print_suites() -> None:
    """Print a line for each suite that comes with seqskip."""
    table = Table("suite", "models", "tasks", "runs", "what it shows", box=None, pad_edge=False)
    for name, path in shipped().items():
        suite = read(path)
        entries = suite.tasks.values()
        cells = sum(len(entry.models) * len(entry.sizes()) * len(entry.points()) for entry in entries)
        runs = cells * len(suite.seeds)
        what = " ".join(suite.description.split())
        table.add_row(name, str(len(suite.models)), str(len(suite.tasks)), f"{runs:,}", what)
    Console(highlight=False, markup=False, emoji=False).print(table)
    print("\none of them:  seqskip bench run quick")


def print_grid(suite: Suite, plans: Sequence[Plan]) -> None:
    """Print the models with their sizes, and the tasks with theirs."""
    table = Table("model", "layers", "hidden size", "delays")
    for name in suite.models:
        cores = [plan.config["model"]["core"] for plan in plans if plan.model == name]
        widths = sorted({core["init_args"]["hidden_size"] for core in cores})
        of = str(widths[0]) if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"
        delays = suite.models[name].get("delays", cores[0]["init_args"].get("delays", 1))
        table.add_row(name, cores[0]["class_path"].rpartition(".")[2], of, str(delays))
    console = Console(highlight=False, markup=False, emoji=False)
    console.print(table)
    for name, entry in suite.tasks.items():
        sizes = "; ".join(" ".join(f"{key} {value}" for key, value in size.items()) for size in entry.sizes())
        limit = "" if entry.budget.minutes is None else f" or {entry.budget.minutes:g} minutes"
        tuned = f"; {tried(entry.tuning)}" if entry.tuning else ""
        what = f"{entry.task['class_path']}, {sizes or 'as it is'}; at most {entry.budget.steps:,} steps{limit}{tuned}"
        console.print(f"{name}: {what}")
    console.print(f"{len(plans):,} runs: seeds {', '.join(map(str, suite.seeds))}; it can be run")

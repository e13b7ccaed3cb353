"""The verdict table."""

import math
from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from seqskip.analysis.advice import NOTE as NECESSARY
from seqskip.analysis.verdict import DECADES
from seqskip.cli.gradients.row import Row
from seqskip.cli.gradients.study import Study
from seqskip.settings.quiet import terminal

NOTE = f"""In steps: half-life (n^p where a power law fits better) and its 95 % interval, lag beyond which less than
10^-{DECADES} is left, mean lag (memory).
{NECESSARY}"""
WIDE = 120  # of a file or a pipe
COLOURS = {"arrives": "green", "vanishes": "red", "explodes": "red", "no path": "red", "unknown": "yellow"}


def print_table(study: Study, rows: Sequence[Row]) -> None:
    """Print one line per net; half-life, horizon and memory in time steps."""
    table = Table(
        title=study.title,
        title_justify="left",
        title_style="bold",
        box=None,
        pad_edge=False,
    )
    table.add_column(study.kind, no_wrap=True)
    columns = ("layers", "half-life", "95 %", f"to 10^-{DECADES}", "memory", f"at lag {study.lag:,}")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row, study))
    console = Console(highlight=False, width=None if terminal() else WIDE)
    console.print(table)
    console.print()
    for row in rows:
        console.print(f"{row.name}: {row.sentence}", soft_wrap=True)
    if study.left_out:
        console.print(study.left_out, soft_wrap=True, markup=False)
    console.print(f"\n{NOTE}\n", style="dim")


def _cells(row: Row, study: Study) -> tuple[str, ...]:
    horizon = f"> {study.steps - 1:,}" if math.isinf(row.horizon) else _number(row.horizon)
    arrives = f"10^{row.arrives:.1f}" if math.isfinite(row.arrives) else "0" if math.isinf(row.arrives) else "unknown"
    word = f"[{COLOURS[row.verdict]}]{row.verdict}[/]"
    return (
        row.name,
        str(row.layers),
        _number(row.half_life) if math.isnan(row.exponent) else f"n^{row.exponent:.2f}",
        _interval(row),
        horizon,
        _number(row.memory),
        arrives,
        word,
    )


def _interval(row: Row) -> str:
    low, high = row.half_life_interval
    return "" if math.isnan(low) else f"{_number(low)} to {_number(high)}".replace("no decay", "∞")


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "no fit" if math.isnan(value) else "no decay"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

"""The verdict table."""

import math
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from seqskip.cli.gradients.row import DECADES, Row
from seqskip.cli.gradients.study import Study

COLOURS = {"arrives": "green", "vanishes": "red", "explodes": "red", "no path": "red"}


def print_table(study: Study, rows: Sequence[Row]) -> None:
    """Print one line per net; half-life, horizon and memory in time steps."""
    table = Table(title=f"\n{study.title}", title_justify="left", title_style="bold", box=box.SIMPLE)
    table.add_column(study.kind)
    columns = ("layers", "half-life", f"below 10^-{DECADES}", "memory", f"at lag {study.lag:,}")
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("")
    for row in rows:
        table.add_row(*_cells(row, study))
    console = Console(highlight=False)
    console.print(table, end="")
    console.print("half-life, horizon below 10^-6 of the start, and memory (mean lag) in time steps.\n")
    console.print("A gradient that arrives is necessary for learning, not sufficient.", style="dim")


def _cells(row: Row, study: Study) -> tuple[str, ...]:
    half_life = "no fit" if math.isnan(row.half_life) else "no decay" if math.isinf(row.half_life) else _number(row.half_life)
    horizon = f"> {study.steps - 1:,}" if math.isinf(row.horizon) else _number(row.horizon)
    arrives = "0" if math.isinf(row.arrives) else f"10^{row.arrives:.1f}"
    word = f"[{COLOURS[row.verdict]}]{row.verdict}[/]"
    return row.name, str(row.layers), half_life, horizon, _number(row.memory), arrives, word


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"

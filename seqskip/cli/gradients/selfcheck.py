"""`seqskip gradients --selfcheck`: the closed forms, measured beside exact, one line each."""

import math
import time

from rich.console import Console
from rich.text import Text

from seqskip.analysis.selfcheck import GROUPS, Check, Group, Result
from seqskip.settings.quiet import terminal

WIDE = 120  # of a file or a pipe
STYLES = {"ok": "green", "FAIL": "bold red"}


def selfcheck() -> int:
    """Run every check and print it; return 1 if one fails, else 0."""
    console, start = Console(highlight=False, width=None if terminal() else WIDE), time.perf_counter()
    console.print(
        f"{'':6}{'what':<51}{'measured':>13}{'exact':>13}{'off by':>8}  known from", style="dim", soft_wrap=True
    )
    results = [result for make in GROUPS for result in _print_group(console, make())]
    failed = sum(not result.passed for result in results)
    verdict = f"{failed} of {len(results)} checks failed" if failed else f"all {len(results)} checks passed"
    console.print(f"\n{verdict}, {time.perf_counter() - start:.0f} s", style="bold red" if failed else "bold green")
    return 1 if failed else 0


def _print_group(console: Console, group: Group) -> list[Result]:
    console.print(f"\n[bold]{group.title}.[/bold] {group.lesson}")
    results = []
    for check in group.checks:
        results.append(check.run())
        console.print(_line(check, results[-1]), soft_wrap=True)
    return results


def _line(check: Check, result: Result) -> Text:
    word = "ok" if result.passed else "FAIL"
    measured, exact = map(_number, result.example)
    text = Text.assemble((f"{word:<6}", STYLES[word]), f"{check.name:<51}{measured:>13}{exact:>13}")
    text.append(f"{_small(result.deviation):>8}")
    text.append(f"  {check.source}", "dim")
    if not result.passed:
        why = result.error or f"allowed {check.tolerance:.0e}, {'relative' if check.relative else 'absolute'}"
        text.append(f"; {why}", STYLES["FAIL"])
    return text


def _number(value: float) -> str:
    if math.isfinite(value) and abs(value - round(value)) < 1e-6 * abs(value):
        return f"{value:,.0f}"
    return f"{value:.8g}"


def _small(deviation: float) -> str:
    return "0" if deviation == 0 else f"{deviation:.0e}"

"""The tasks in a list, and what one of them is."""

import inspect
import textwrap
from typing import Any

from seqskip.tasks import Batch, Regression, Task, known
from seqskip.tasks.optional import INSTALL

COLUMNS = ("task", "lag", "input", "answer", "without memory", "source")


def print_list() -> None:
    """Print one line for each task: its defaults' lag, input, answer, baseline, and its source."""
    rows = [COLUMNS, *(_row(kind) for kind in known().values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        name, lag, *rest = (f"{text:<{width}}" for text, width in zip(row, widths, strict=True))
        print("  ".join((name, f"{lag.strip():>{len(lag)}}", *rest)).rstrip())
    print("\nlag in time steps; samples of one:  python -m seqskip.tasks show Copying")


def print_task(task: Task, arguments: dict[str, Any], batch: Batch) -> None:
    """Print a task's first sentence, its sizes, its baseline and its source."""
    given = ", ".join(f"{name}={value!r}" for name, value in arguments.items())
    print(f"{type(task).__name__}({given})")
    print(textwrap.fill((inspect.getdoc(type(task)) or "").split("\n\n")[0], 100))
    print(f"input   {_input(task)}, {batch.x.size(1):,} time steps" + _lengths(batch))
    print(f"answer  {_answer(task)}")
    print(f"lag     {task.lag:,} time steps")
    baseline = ", ".join(f"{name} {value:.4g}" for name, value in task.baseline().items())
    print(f"without memory: {baseline}; {'highest' if task.higher_is_better else 'lowest'} {task.monitor} is best")
    print(f"source  {task.source}; version {task.version}\n")


def _row(kind: type[Task]) -> tuple[str, ...]:
    wanted = [one.name for one in inspect.signature(kind).parameters.values() if one.default is one.empty]
    if wanted:
        return kind.__name__, "", "", "", f"needs --{', --'.join(wanted)}", kind.source
    task = kind()
    return kind.__name__, f"{task.lag:,}", _input(task), _answer(task), _baseline(task), kind.source


def _baseline(task: Task) -> str:
    try:
        return f"{task.monitor} {task.baseline()[task.monitor]:.4g}"
    except ModuleNotFoundError:
        return f"needs {INSTALL}"
    except ValueError:
        return "needs its files, --root"


def _input(task: Task) -> str:
    if task.num_embeddings is not None:
        return f"{task.num_embeddings:,} tokens"
    return f"{task.input_size} feature" + ("s" if task.input_size != 1 else "")


def _answer(task: Task) -> str:
    kind = "classes" if not isinstance(task, Regression) else "number" if task.output_size == 1 else "numbers"
    return f"{task.output_size:,} {kind}, {'at every step' if task.readout == 'every' else 'at the end'}"


def _lengths(batch: Batch) -> str:
    if batch.lengths is None:
        return ""
    return f" at most; these samples have {int(batch.lengths.min()):,} to {int(batch.lengths.max()):,}"

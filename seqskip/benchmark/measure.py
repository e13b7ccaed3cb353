"""One case: every contender is built, checked, and timed in turn with the others."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import torch

from seqskip.benchmark.agreement import CHECKED_STEPS, TOLERANCE, Answer, answer, truth, worst_error
from seqskip.benchmark.cases import Case
from seqskip.benchmark.contender import Contender, Runner
from seqskip.benchmark.problem import Problem, draw
from seqskip.benchmark.timing import Call, Samples, Sampling, interleave

MEASURES = ("train", "infer", "step")
MATRIX_SIZES = (1024, 2048)
QUICK_MATRIX_SIZES = (128,)


@dataclass
class Row:
    """What was seen of one contender in one case."""

    name: str
    error: float | None = None  # largest relative error against float64; None where the recurrence is another one
    wrong: bool = False
    note: str = ""  # why it was not timed
    timings: dict[str, Samples] = field(default_factory=dict)  # by measure


@dataclass
class Group:
    """A measured case: a row for each contender and, for each measure, the machine's own rate in that time."""

    case: Case
    rows: list[Row]
    matrix_rates: dict[str, float]  # operations per second, by measure


def measure(
    case: Case, contenders: Iterable[Contender], sampling: Sampling, sizes: Sequence[int], say: Callable[[str], None]
) -> Group:
    """Measure all contenders that apply; who cannot run the case, or is wrong, gets a note and no time."""
    problem, rows, runners = draw(case), [], {}
    say("checking")
    true = truth(problem.beginning(CHECKED_STEPS))
    for contender in contenders:
        if contender.applies(case):
            row, runner = _checked(contender, problem, true)
            rows.append(row)
            if runner is not None:
                runners[row.name] = runner
    rates = {}
    for name in MEASURES:
        say(name)
        calls = {contender: call for contender, runner in runners.items() if (call := _call(runner, name))}
        rates[name], timings = _timed(calls, sampling, _products(sizes, case))
        for row in rows:
            if row.name in timings:
                row.timings[name] = timings[row.name]
    return Group(case, rows, rates)


def _checked(contender: Contender, problem: Problem, true: Answer) -> tuple[Row, Runner | None]:
    """Build a contender; without a runner if it cannot take part, for the reason in the row's note."""
    row, beginning = Row(contender.name), problem.beginning(CHECKED_STEPS)
    try:
        runner = contender.build(beginning)
        given = answer(runner, beginning)
        if len(problem.x) > CHECKED_STEPS:
            runner = contender.build(problem)
    except ImportError as error:
        row.note = f"not installed: {error}"
        return row, None
    except ValueError as error:
        row.note = " ".join(str(error).split())
        return row, None
    if not contender.same_recurrence(problem.case):
        return row, runner
    row.error = worst_error(given, true)
    row.wrong = row.error > TOLERANCE[problem.case.dtype]
    if row.wrong:
        row.note = f"wrong: relative error {row.error:.1e}; not timed"
    return row, None if row.wrong else runner


def _call(runner: Runner, name: str) -> Call | None:
    calls: dict[str, Callable[[], Call | None]] = {
        "train": lambda: runner.train,
        "infer": lambda: runner.infer,
        "step": runner.stream,
    }
    return calls[name]()


def _timed(calls: dict[str, Call], sampling: Sampling, products: dict[int, Call]) -> tuple[float, dict[str, Samples]]:
    """Return the best rate of the matrix products, and the timings of the calls taken between them."""
    named = {f"product {size}": product for size, product in products.items()}
    timings = interleave({**calls, **named}, sampling)
    return max(2 * size**3 / timings[f"product {size}"].least for size in products), timings


def _products(sizes: Sequence[int], case: Case) -> dict[int, Call]:
    return {size: _product(torch.ones(size, size, dtype=getattr(torch, case.dtype))) for size in sizes}


def _product(matrix: torch.Tensor) -> Call:
    return lambda: torch.mm(matrix, matrix)

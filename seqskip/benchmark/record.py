"""A measurement as plain data, the content of the JSON file; the tables are drawn from it."""

from typing import Any

from seqskip.benchmark.arithmetic import forward, one_step, training, without_skips
from seqskip.benchmark.cases import Case
from seqskip.benchmark.measure import Group, Row
from seqskip.benchmark.timing import Samples

YARDSTICK = "torch.nn"
OPERATIONS = {"train": training, "infer": forward, "step": one_step}


def record(group: Group) -> dict[str, Any]:
    """Return a case with its rows: seconds, times as fast as torch.nn without skips, operations per second."""
    case = group.case
    return {
        "title": case.title,
        "layer": case.layer,
        **dict(zip("BTIH", case.shape, strict=True)),
        "delays": list(case.delays),
        "combine": case.combine,
        "dtype": case.dtype,
        "input_grad": case.input_grad,
        "operations": {name: count(case) for name, count in OPERATIONS.items()},
        "matrix_gflops": {name: rate / 1e9 for name, rate in group.matrix_rates.items()},
        "target": case.target,
        "rows": [_row(row, group) for row in group.rows],
    }


def _row(row: Row, group: Group) -> dict[str, Any]:
    yardstick = next((other.timings for other in group.rows if other.name == YARDSTICK), {})
    timings = {name: _timing(name, samples, yardstick.get(name), row, group) for name, samples in row.timings.items()}
    return {"contender": row.name, "error": row.error, "wrong": row.wrong, "note": row.note, **timings}


def _timing(name: str, samples: Samples, yardstick: Samples | None, row: Row, group: Group) -> dict[str, Any]:
    rate = OPERATIONS[name](_computed(row, group.case)) / samples.least
    return {
        "samples": samples.seconds,
        "calls_per_sample": samples.calls,
        "min": samples.least,
        "median": samples.median,
        "times_min": yardstick.least / samples.least if yardstick else None,
        "times_median": yardstick.median / samples.median if yardstick else None,
        "gflops": rate / 1e9,
        "matrix_share": rate / group.matrix_rates[name],
        "cores": samples.cores,
    }


def _computed(row: Row, case: Case) -> Case:
    """Return the case whose arithmetic a contender did: torch.nn has no skips to compute."""
    return without_skips(case) if row.name == YARDSTICK else case

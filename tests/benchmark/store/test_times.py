"""The time left, against sums by hand; times in words."""

from seqskip.benchmark.store.ledger import DONE, FAILED, QUEUED, RUNNING, Row
from seqskip.benchmark.store.times import duration, seconds_left


def row(
    model: str, task: str, lag: int, state: str, started: float | None = None, finished: float | None = None
) -> Row:
    return Row(f"{model}{task}{lag}", model, task, {"lag": lag}, {}, 0, state, 1, None, started, finished, None)


DONE_ROWS = [
    row("RNN", "copy", 10, DONE, 0.0, 4.0),
    row("GRU", "copy", 10, DONE, 0.0, 8.0),
    row("RNN", "add", 50, DONE, 100.0, 120.0),
]


def test_times_are_told_in_two_units() -> None:
    told = {0.04: "0.0 s", 8.04: "8.0 s", 59.4: "59 s", 60: "1 min 0 s", 200: "3 min 20 s", 7500: "2 h 5 min"}
    assert {seconds: duration(seconds) for seconds in told} == told


def test_before_anything_is_done_nothing_is_known() -> None:
    assert seconds_left([row("RNN", "copy", 10, QUEUED), row("RNN", "copy", 10, FAILED, 0.0, 1.0)], 1, 5.0) is None


def test_a_run_takes_as_long_as_those_most_like_it() -> None:
    queued = {
        4.0: row("RNN", "copy", 10, QUEUED),  # the same model, task and length
        6.0: row("LSTM", "copy", 10, QUEUED),  # the same task and length
        20.0: row("LSTM", "add", 99, QUEUED),  # the same task
        32 / 3: row("LSTM", "xor", 1, QUEUED),  # any
    }
    for seconds, waiting in queued.items():
        assert seconds_left([*DONE_ROWS, waiting], 1, 0.0) == seconds
    assert seconds_left([*DONE_ROWS, *queued.values()], 2, 0.0) == sum(queued) / 2


def test_what_is_running_has_a_part_behind_it() -> None:
    assert seconds_left([*DONE_ROWS, row("GRU", "copy", 10, RUNNING, 50.0)], 1, 53.0) == 5.0
    assert seconds_left([*DONE_ROWS, row("GRU", "copy", 10, RUNNING, 50.0)], 1, 90.0) == 0.0


def test_nothing_is_left() -> None:
    assert seconds_left(DONE_ROWS, 1, 0.0) == 0.0

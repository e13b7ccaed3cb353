"""What samples cost: every task is measured, and told in a line."""

import pytest

from seqskip.benchmark import data
from seqskip.benchmark.timing import Sampling
from seqskip.tasks import Adding


def test_it_prints_a_line_for_each_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main(["--quick", "--repeats", "2", "--tasks", "Copying", "Adding"]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()[3:]}
    assert lines["Copying"][1] == "1,020" and lines["Adding"][1] == "200" and len(lines["Adding"]) == 6


def test_an_unknown_task_is_told_before(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        data.main(["--tasks", "Copyin"])
    assert "did you mean 'Copying'?" in capsys.readouterr().err


def test_a_row_says_rate_and_share() -> None:
    row = data.Cost(steps=1000, batch=0.002, training=0.1).row("Copying")
    assert row.split() == ["Copying", "1,000", "16.0", "2.00", "100", "2.00"]


def test_both_are_measured_on_batches_of_one_size() -> None:
    cost = data.measure(Adding(50), Sampling(2, least=0.0005))
    assert cost.steps == 50 and cost.batch > 0 and cost.training > 0

"""What samples cost: every task is measured, and told in a line."""

import pytest
import torch

from seqskip.benchmark import data
from seqskip.benchmark.timing import Sampling
from seqskip.tasks import Adding, Batch


def test_it_prints_a_line_for_each_task(capsys: pytest.CaptureFixture[str]) -> None:
    assert data.main(["--quick", "--repeats", "2", "--tasks", "Copying", "Adding"]) == 0
    lines = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()[3:]}
    assert lines["Copying"][1] == "1,020" and lines["Adding"][1] == "200" and len(lines["Adding"]) == 6


def test_an_unknown_task_is_told_before(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        data.main(["--tasks", "Copyin"])
    assert "did you mean 'Copying'?" in capsys.readouterr().err


def test_the_time_of_sampling_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Adding):
        def sample(self, n: int, generator: torch.Generator) -> Batch:
            for _ in range(20):
                batch = super().sample(n, generator)
            return batch

    quick = Sampling(3, least=0.001)
    fast, slow = data.measure(Adding(100), quick), data.measure(Slow(100), quick)
    assert slow.batch > 5 * fast.batch and slow.training < 5 * fast.training
    assert fast.row("x").split()[2] == data.number(32 * 100 / fast.batch, 1e-6)

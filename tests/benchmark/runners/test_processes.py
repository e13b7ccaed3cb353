"""A run of several processes: its record is that of one process with their batches together."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from seqskip.benchmark.overhead import tiny
from seqskip.benchmark.runners import apart, processes
from seqskip.benchmark.runners.base import Failed, Finished, Started, read_letter
from seqskip.benchmark.runners.choose import runner
from seqskip.benchmark.runners.inline import Inline
from seqskip.benchmark.runners.processes import PROGRAM, carry_out, several
from seqskip.benchmark.store.folder import Folder
from seqskip.training import Run
from tests.benchmark.runners.helpers import is_alive, until

TWO = {"strategy": "ddp", "devices": 2}
MEASURED = {"val_size": 8, "test_size": 8, "eval_batch_size": 4}  # a batch for each of two processes


@pytest.mark.parametrize(
    "trainer, expected",
    [
        ({"devices": 1}, False),
        ({"devices": "1", "strategy": "auto"}, False),
        ({"devices": [0], "strategy": None}, False),
        ({"devices": "auto", "accelerator": "cpu"}, False),
        ({"accelerator": "cpu"}, False),
        ({"devices": 1, "strategy": "ddp"}, True),
        ({"devices": 2}, True),
        ({"devices": "0,1"}, True),
        ({"devices": [0, 1]}, True),
    ],
)
def test_which_trainers_have_several_processes(trainer: dict[str, Any], expected: bool) -> None:
    assert several(trainer) is expected


def test_two_processes_train_as_one_on_both_their_batches(tmp_path: Path) -> None:
    two, one = tiny(0, steps=6, **TWO), tiny(0, steps=6, accumulate_grad_batches=2)
    for plan, batches in ((two, 3), (one, 6)):
        plan.config["data"] |= MEASURED | {"steps_per_epoch": batches}
    begun, event = Inline().run([two], Folder(tmp_path / "two"))
    alone = carry_out(one, Folder(tmp_path / "one"))
    assert begun == Started(two.id) and isinstance(event, Finished) and isinstance(alone, Finished)
    found, expected = event.record, alone.record
    assert found["id"] == two.id and found["steps"] == expected["steps"] == 6 and found["threads"] == 1
    assert found["learning"]["steps"] == expected["learning"]["steps"]
    assert found["metrics"]["mse"]["measured"] == pytest.approx(expected["metrics"]["mse"]["measured"], rel=1e-5)
    assert found["validation"] == pytest.approx(expected["validation"], rel=1e-5)
    assert found["learning"]["metrics"]["mse"] == pytest.approx(expected["learning"]["metrics"]["mse"], rel=1e-5)


def test_the_first_to_fail_tells_why_and_the_first_process_what_was_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, folder = tiny(1), Folder(tmp_path)
    words = [tmp_path / name for name in ("plan.json", "outcome.json", "")]
    folder.write(words[0], asdict(plan))
    monkeypatch.setattr(apart, "_end_with_the_pipe", lambda: None)
    for rank, event, status, left in (
        ("1", Finished(plan.id, {}), 0, None),
        ("1", Failed(plan.id, "NotFinite"), 1, Failed(plan.id, "NotFinite")),
        ("0", Failed(plan.id, "Connection closed by peer"), 1, Failed(plan.id, "NotFinite")),
    ):
        monkeypatch.setenv("LOCAL_RANK", rank)
        monkeypatch.setattr(apart, "attempt", lambda plan, folder, event=event: event)
        assert apart.main([str(word) for word in words]) == status
        assert read_letter(plan.id, words[1]) == left


def test_a_program_that_tells_nothing_has_died(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "PROGRAM", "no_such_module")
    event = carry_out(tiny(1, **TWO), Folder(tmp_path))
    assert isinstance(event, Failed)
    assert event.error.startswith("Died: its process ended with status 1; ")
    assert event.error.endswith("No module named no_such_module")


def test_its_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    plan, folder = tiny(0, steps=100_000, **TWO), Folder(tmp_path)
    folder.write(tmp_path / "plan.json", asdict(plan))
    words = [str(tmp_path / name) for name in ("plan.json", "outcome.json", "")]
    with subprocess.Popen([sys.executable, "-m", PROGRAM, *words], stdin=subprocess.PIPE):
        until(Run(folder.run(plan.id)).last.is_file)
        ranks = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if _is_of(path, words)]
        assert len(ranks) == 2
    until(lambda: not any(is_alive(process) for process in ranks))  # the end of the block has closed the pipe


def _is_of(path: Path, words: list[str]) -> bool:
    with suppress(OSError):
        return "\0".join(words) in path.read_text()
    return False


def test_runners_by_name() -> None:
    assert isinstance(runner("inline"), Inline)
    with pytest.raises(ValueError, match="runner must be one of inline, ray, slurm, got 'rey'; did you mean 'ray'"):
        runner("rey")

"""`python -m seqskip.benchmark.speed`, as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from seqskip.benchmark import speed
from seqskip.benchmark.speed import main
from seqskip.benchmark.table import number
from seqskip.engines import ENGINES
from tests.benchmark.helpers import SHORT, rows, run


@pytest.fixture(autouse=True)
def _without_optional_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("jax", "torchrecurrent"):
        monkeypatch.setitem(sys.modules, name, None)


def test_the_table_says_what_the_file_says(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    status, table, whole = run(capsys, tmp_path)
    assert status == 0 and len(whole["cases"]) == 6
    lines = iter(table.splitlines())
    for case in whole["cases"]:
        assert next(line for line in lines if line.startswith(case["title"]))
        for row in (row for row in case["rows"] if not row["note"]):
            line = next(lines).removeprefix(row["contender"])
            train, infer, step = row["train"], row["infer"], row.get("step", {})
            shown = [number(train[key], 1e3) for key in ("min", "median")]
            shown += [number(train[key]) for key in ("times_min", "times_median", "gflops")]
            shown += [number(train["matrix_share"], 100), number(infer["min"], 1e3), number(infer["median"], 1e3)]
            shown += [number(infer["times_min"]), number(step.get("min"), 1e6), number(step.get("times_min"))]
            assert line.split() == shown
    assert max(map(len, table.splitlines())) <= 120


def test_every_engine_takes_part_and_agrees(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, _, whole = run(capsys, tmp_path)
    for name in ("seqskip auto", *(f"seqskip {name}" for name in ("reference", "fold"))):
        assert len(rows(whole, name)) == 6 and all(0 <= row["error"] < 1e-4 for row in rows(whole, name))
    assert {f"seqskip {name}" for name in ENGINES} <= {row["contender"] for row in whole["cases"][0]["rows"]}


def test_ratios_and_rates_follow_from_the_samples(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, _, whole = run(capsys, tmp_path, "--layers", "LSTM", "--delays", "1,3")
    (case,), (yardstick,), (auto,) = whole["cases"], rows(whole, "torch.nn"), rows(whole, "seqskip auto")
    assert case["operations"]["infer"] == 2 * 2 * 7 * 4 * 4 * (2 + 2 * 4)
    for measure in ("train", "infer", "step"):
        fastest = min(auto[measure]["samples"])
        assert auto[measure]["times_min"] == pytest.approx(min(yardstick[measure]["samples"]) / fastest)
        assert auto[measure]["gflops"] == pytest.approx(case["operations"][measure] / fastest / 1e9)
        share = auto[measure]["gflops"] / case["matrix_gflops"][measure]
        assert auto[measure]["matrix_share"] == pytest.approx(share)
    assert yardstick["error"] is None and yardstick["train"]["times_min"] == 1


def test_json_to_stdout_is_json_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*SHORT, "--layers", "GRU", "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["cases"][0]["layer"] == "GRU" and "contender" in err


def test_growth_is_shown_along_its_axis(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, table, whole = run(capsys, tmp_path, "--linear", "--layers", "RNN")
    (first, *_, last) = rows(whole, "seqskip auto")
    assert [case["T"] for case in whole["cases"]] == [50, 100, 200]
    line = next(line for line in table.splitlines() if line.startswith("seqskip auto") and "training" in line)
    assert line.split()[4:5] == [number(1e6 * first["train"]["min"] / 50)]
    assert line.split()[-1] == number(last["train"]["min"] / first["train"]["min"] / 4)
    _, table, whole = run(capsys, tmp_path, "--delays-cost", "--layers", "RNN")
    assert [case["delays"] for case in whole["cases"]] == [[1], [1, 2], [1, 2, 4, 8], [1, 2, 4, 8, 16, 32, 64, 128]]
    assert "delays=8" in table


def test_threads_are_set_for_the_run_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    before = torch.get_num_threads()
    _, _, whole = run(capsys, tmp_path, "--layers", "GRU", "--threads", "2")
    assert whole["machine"]["threads"] == 2 and torch.get_num_threads() == before


def test_ctrl_c_keeps_what_is_done(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, calls = speed.measure, iter([None])

    def interrupted(*args):  # type: ignore[no-untyped-def]
        if next(calls, "over"):
            raise KeyboardInterrupt
        return measure(*args)

    monkeypatch.setattr(speed, "measure", interrupted)
    status, table, whole = run(capsys, tmp_path)
    assert status == 130 and len(whole["cases"]) == 1 and "Interrupted: 1 of 6 cases." in table


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--shapes", "1,2,3"], "batch,time,input,hidden, got '1,2,3'"),
        (["--shapes", "0,2,3,4"], "got '0,2,3,4'"),
        (["--delays", "1,1"], "must be different integers >= 1 as in 1,16, got '1,1'"),
        (["--layers", "lstm"], "invalid choice: 'lstm'"),
        (["--threads", "0"], "must be an integer >= 1, got '0'"),
        (["--repeats", "some"], "must be an integer >= 1, got 'some'"),
        (["--linear", "--delays-cost"], "not allowed with"),
        (["--json", "no/such/folder/file.json"], "--json must name a file in a folder that exists"),
        (["--json", "."], "--json must name a file in a folder that exists"),
        (["--delays-cost", "--delays", "3"], "--delays-cost has delays of its own"),
        (["--linear", "--shapes", "1,2,3,4", "--shapes", "1,2,3,5"], "give --shapes once"),
        (["--jsn"], "unrecognized arguments: --jsn"),
    ],
)
def test_bad_options_get_one_line(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and not out and said in err and err.count("\n") == 1


def test_a_forced_engine_is_refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_BACKEND", "reference")
    with pytest.raises(SystemExit):
        main(["--quick"])
    assert "SEQSKIP_BACKEND must not be set" in capsys.readouterr().err


def test_without_kernels_the_native_engine_gets_a_footnote() -> None:
    command = [sys.executable, "-m", "seqskip.benchmark.speed", *SHORT, "--layers", "GRU"]
    environment = {**os.environ, "SEQSKIP_NO_JIT": "1"}
    table = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
    assert "] seqskip native: the native engine is switched off: SEQSKIP_NO_JIT is set" in table


def test_the_module_runs_as_a_command() -> None:
    command = [sys.executable, "-W", "error", "-m", "seqskip.benchmark.speed", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "120"})
    assert "--input-grad" in done.stdout

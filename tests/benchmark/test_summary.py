"""The tables at the end of a run, beside the record they are drawn from."""

from pathlib import Path

import pytest

from seqskip.benchmark.summary import summary
from seqskip.benchmark.table import number
from tests.benchmark.helpers import rows, run


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_row_for_each_shape_a_column_for_each_kind(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, printed, whole = run(capsys, tmp_path, "--layers", "GRU", "--delays", "1", "2", "--shapes", "3,5,2,4")
    tables = [table.splitlines() for table in summary(whole["cases"]).split("\n\n")[1:]]
    assert [cells(table[0])[0].split(":")[0] for table in tables] == ["training", "inference", "one step"]
    shown = rows(whole, "seqskip auto")
    for table, measure in zip(tables, ("train", "infer", "step"), strict=True):
        assert cells(table[0])[1:] == ["GRU 1", "GRU 2"]
        assert [cells(line)[0] for line in table[2:]] == ["2, 7, 2, 4", "3, 5, 2, 4"]
        ratios = [cell.split()[0] for line in table[2:] for cell in cells(line)[1:]]
        assert ratios == [number(row[measure]["times_min"]) for row in shown]
        assert all(line in printed for line in table)


def test_the_bracket_is_the_time_of_the_products_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    _, _, whole = run(capsys, tmp_path, "--layers", "RNN", "--delays", "1")
    (case,), (yardstick,) = whole["cases"], rows(whole, "torch.nn")
    least = case["operations"]["train"] / (1e9 * case["matrix_gflops"]["train"])
    training = summary(whole["cases"]).split("\n\n")[1].splitlines()[-1]
    bracket = cells(training)[1].split("(")[1].strip(")").replace(",", "")
    assert float(bracket) == pytest.approx(yardstick["train"]["min"] / least, rel=0.01, abs=0.01)


def test_no_answer_is_a_dash() -> None:
    sizes = dict(zip("BTIH", (1, 2, 3, 4), strict=True))
    case = {"layer": "RNN", "delays": [1], **sizes, "rows": [{"contender": "seqskip auto", "note": "no"}]}
    assert summary([case]).count("| 1, 2, 3, 4 | - |") == 3

"""`python -m seqskip.benchmark.combine`, as a user runs it."""

import pytest

from seqskip.benchmark.combine import main
from seqskip.cells import COMBINE


@pytest.mark.parametrize("clock", ["", " --cpu-time"])
def test_what_it_prints(clock: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = f"--quick --repeats 2 --layers GRU --delays 1,3 --shapes 2,7,2,4 --threads 1{clock}"
    assert main(words.split()) == 0
    printed = capsys.readouterr().out
    assert "GRU  delays 1, 3 (sum)   B=2 T=7 I=2 H=4" in printed
    rows = {line.split(",")[0]: line.split() for line in printed.splitlines() if ", native" in line}
    assert rows.keys() == COMBINE.keys() and {len(row) for row in rows.values()} == {10}
    assert [rows["sum"][n] for n in (4, 5, 8, 9)] == ["1.00"] * 4

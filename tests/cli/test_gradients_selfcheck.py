"""`seqskip gradients --selfcheck`: what it prints, and its exit status."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from seqskip.analysis import gradient_decay
from seqskip.analysis.selfcheck import linear, nets
from seqskip.cli import main
from seqskip.cli.gradients import selfcheck

FEW = (linear.responses, linear.zeros)


def test_every_line_has_measured_and_exact(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(selfcheck, "GROUPS", FEW)
    assert main(["gradients", "--selfcheck"]) == 0
    printed = capsys.readouterr().out
    assert printed.count("\nok ") == sum(len(make().checks) for make in FEW) and "FAIL" not in printed
    fibonacci = next(line for line in printed.splitlines() if "Fibonacci" in line)
    assert fibonacci.split().count("165,580,141") == 2
    assert all(make().title in printed for make in FEW) and "all 8 checks passed" in printed


def test_a_broken_tool_makes_it_fail(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*args: Any, **options: Any) -> Any:
        decay = gradient_decay(*args, **options)
        return replace(decay, log_norm=1.01 * decay.log_norm)

    monkeypatch.setattr(selfcheck, "GROUPS", FEW)
    monkeypatch.setattr(nets, "gradient_decay", broken)
    assert main(["gradients", "--selfcheck"]) == 1
    printed = capsys.readouterr().out
    assert printed.count("\nFAIL") == 8 and "8 of 8 checks failed" in printed and "allowed 1e-12" in printed


def test_it_needs_no_lightning() -> None:
    code = (
        "import sys\nfrom seqskip.cli.gradients import selfcheck\n"
        "selfcheck.GROUPS = selfcheck.GROUPS[:1]\nfrom seqskip.cli import main\n"
        "main(['gradients', '--selfcheck'])\nprint('pytorch_lightning' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "False"

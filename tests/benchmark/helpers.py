"""Runs of the command that keep what it printed."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqskip.benchmark.speed import main

SHORT = ("--quick", "--repeats", "2", "--threads", "1", "--shapes", "2,7,2,4")


def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, *words: str) -> tuple[int, str, dict[str, Any]]:
    """Return the status, the table and the record of a short run."""
    path = tmp_path / "speed.json"
    status = main([*SHORT, *words, "--json", str(path)])
    return status, capsys.readouterr().out, json.loads(path.read_text(encoding="utf-8"))


def rows(whole: dict[str, Any], contender: str) -> list[dict[str, Any]]:
    """Return the rows of one contender, case after case."""
    return [row for case in whole["cases"] for row in case["rows"] if row["contender"] == contender]

"""The commands that draw the half-lives and time the measurement."""

from pathlib import Path

import pytest
import torch

from seqskip.benchmark import half_life, microscope


def test_half_lives_are_drawn_beside_theory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(half_life, "DELAYS", (1, 2, 8))
    monkeypatch.setattr(half_life, "UNITS", 4)
    state = torch.get_rng_state()
    assert half_life.main(["--out", str(tmp_path / "some/half_life.png")]) == 0
    assert torch.equal(torch.get_rng_state(), state)
    assert (tmp_path / "some/half_life.png").read_bytes().startswith(b"\x89PNG")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[3:6]] == ["1", "2", "8"]
    assert float(lines[5].split()[1]) == pytest.approx(30.519, rel=1e-3)
    assert lines[-1].endswith("minutes")


def test_what_measuring_costs_is_a_ratio_of_one_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, small in (("STEPS", 12), ("BATCH", 2), ("UNITS", 3), ("LAYERS", 2)):
        monkeypatch.setattr(microscope, name, small)
    assert microscope.main(["--repeats", "1", "--threads", "1"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("training step" in line for line in lines) == 3
    assert sum("backward pass" in line for line in lines) == 3
    assert all(float(line.split()[-1]) > 0 for line in lines if " / " in line)

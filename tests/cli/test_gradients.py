"""`seqskip gradients`: what it measures, prints and leaves."""

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seqskip.analysis import Decay, gradient_decay, verdict
from seqskip.cli import main
from seqskip.settings.settings import Settings
from tests.cli.conftest import TINY, Finished, inside

SMALL = [word for word in TINY if word.startswith(("--data.task", "--model"))]
THREE = ["gradients", "--config=copying", "--delays=1", "--delays=1,4", "--delays=1/2/4", "--seeds=2", "--samples=3"]


def numbers(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "gradients.json").read_text(encoding="utf-8"))
    return found


def net(found: dict[str, Any], name: str) -> dict[str, Any]:
    (one,) = (net for net in found["nets"] if net["name"] == name)
    return dict(one)


def test_untrained_nets_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main([*THREE, *SMALL]) == 0
    folder, printed = tmp_path / "gradients/copying", capsys.readouterr().out
    found = numbers(folder)
    assert found["lag"] == 8 and [(one["name"], one["layers"]) for one in found["nets"]] == [
        ("1", 1),
        ("1,4", 1),
        ("1/2/4", 3),
    ]
    assert (folder / "gradients.png").read_bytes().startswith(b"\x89PNG")
    assert {path.name for path in folder.iterdir()} == set(found["files"])
    assert all(
        str(folder.relative_to(tmp_path) / "gradients.png") in printed and text in printed for text in ("1/2/4",)
    )
    with (folder / "curves.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["lag", "1", "1,4", "1/2/4"] and len(rows) == 1 + 10 and rows[1][1:] == ["0", "0", "0"]


def test_the_numbers_are_those_of_gradient_decay(tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main([*THREE, *SMALL, "--wrt=h"]) == 0
    settings = Settings.read("configs/copying.yaml", [*SMALL, "--model.delays=[1,4]"])
    with np.load(tmp_path / "gradients/copying/delays_1_4.npz") as arrays:
        written = arrays["log_norm"]
    assert written.shape == (2, 1, 3, 1, 10)
    for seed in range(2):
        module, data = settings.build(seed)
        probe = data.probe(3)
        others = torch.zeros(3, 9, module.task.output_size)

        def loss(answer: torch.Tensor, probe: Any = probe, module: Any = module, others: Any = others) -> torch.Tensor:
            return module.task.loss(torch.cat((others, answer.unsqueeze(1)), 1), probe)

        expected = gradient_decay(module.model, probe.x, loss=loss).log_norm
        np.testing.assert_allclose(written[seed], expected[0], rtol=1e-9)


def test_a_net_without_a_path_to_the_lag(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--delays=5", "--seeds=1", "--lag=4", "--model.core.residual=null"]
    with inside(tmp_path):
        assert main(["gradients", "--config=copying", *SMALL, *words, "--out=there"]) == 0
    assert net(numbers(tmp_path / "there"), "5")["arrives"] == 0  # the window of five lags that ends there
    assert "lag 4" in capsys.readouterr().out


def test_a_run_before_after_and_without_skips(finished: Finished, tmp_path: Path) -> None:
    run = tmp_path / "mine"
    shutil.copytree(finished.run, run)
    with inside(tmp_path):
        assert main(["gradients", "--run=mine", "--seeds=2"]) == 0
    found = numbers(run / "gradients")
    assert [one["name"] for one in found["nets"]] == ["untrained", "step 6", "skips removed"]
    assert all(one["layers"] == 4 for one in found["nets"])
    decays = [Decay.load(run / "gradients" / name) for name in found["files"] if name.endswith(".npz")]
    assert [len(decay.log_norm) for decay in decays] == [2, 1, 1]  # --seeds counts the untrained nets


def test_a_net_without_a_twin_is_measured_and_the_reason_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dense = [*TINY, "--model.core.residual=dense", "--trainer.max_steps=1"]
    with inside(tmp_path):
        assert main(["fit", "--config=copying", *dense]) == 0
        capsys.readouterr()
        assert main(["gradients", "--run=runs/copying", "--seeds=1"]) == 0
    assert [one["name"] for one in numbers(tmp_path / "runs/copying/gradients")["nets"]] == ["untrained", "step 1"]
    assert "skips removed: left out, model must have weights that go on" in capsys.readouterr().out


def test_a_checkpoint_is_measured_like_its_run(finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.run, tmp_path / "mine")
    shutil.copy(finished.run / "checkpoints/best.ckpt", tmp_path / "alone.ckpt")
    with inside(tmp_path):
        assert main(["gradients", "--run=mine", "--seeds=1", "--out=a"]) == 0
        assert main(["gradients", "--checkpoint=mine/checkpoints/best.ckpt", "--seeds=1", "--out=b"]) == 0
        words = ["--checkpoint=alone.ckpt", "--config=mine/config.yaml", "--seeds=1"]
        assert main(["gradients", *words]) == 0
    run, *checkpoints = (numbers(tmp_path / name)["nets"] for name in ("a", "b", "gradients/alone"))
    assert checkpoints == [run, run]


def test_what_was_there_before_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mine = tmp_path / "there/curves.csv"
    mine.parent.mkdir()
    mine.write_text("keep", encoding="utf-8")
    with inside(tmp_path):
        assert main([*THREE, *SMALL, "--out=there"]) == 1
        assert "--out must be a new folder" in capsys.readouterr().err
        assert [path.name for path in mine.parent.iterdir()] == ["curves.csv"] and mine.read_text() == "keep"
        mine.rename(tmp_path / "there/notes.txt")
        assert main([*THREE, *SMALL, "--out=there"]) == 0
        before = numbers(tmp_path / "there")
        assert main([*THREE, *SMALL, "--out=there", "--samples=4"]) == 0  # its own files it replaces
    assert (tmp_path / "there/notes.txt").read_text() == "keep" and numbers(tmp_path / "there") != before


REFUSED = {
    "": "one of --run, --checkpoint, --config, --advise or --selfcheck must say what to do, got none",
    "--advise=0": "lag must be an integer >= 1, got 0",
    "--advise=5 --model.core.hidden_size=9": "--advise must stand alone, got --model.core.hidden_size beside it; "
    "leave that out, or measure nets with --config",
    "--advise 5 --seeds 3": "--advise must stand alone, got --seeds beside it",
    "--selfcheck --wrt=c": "--selfcheck must stand alone, got --wrt beside it",
    "--advise=5 --delays=1": "--advise must stand alone, got --delays beside it",
    "--checkpoint=junk.ckpt": "got 'junk.ckpt': this file holds no weights and no training step",
    "--advise=5 --config=copying": "got --config and --advise",
    "--config=copying --run=mine": "got --run and --config",
    "--run=mine --checkpoint=best.ckpt": "got --run and --checkpoint",
    "--config=copying --selfcheck": "got --config and --selfcheck",
    "--run=nowhere": "run must be the folder of a training",
    "--run=mine --delays=1": "--delays must stand beside --config alone",
    "--config=copyng": "got 'copyng'; did you mean 'copying'?",
    "--config=copying --delays=0": "delays must be numbers >= 1, got 0",
    "--config=copying --delays=-1,2": "delays must be numbers >= 1, got -1",
    "--config=copying --delays=2,2": "delays of one layer must differ",
    "--config=copying --delays=fast": "--delays must be written as 1 or 1,8",
    "--config=copying --delays=1 --delays=1": "--delays must name each net once, got 1 twice",
    "--config=copying --delays=1,10": "delays must be at most 9, the lags within a sample of Copying, got 10",
    "--config=copying --lag=10": "--lag must be from 1 to 9, the lags within a sample of Copying, got 10",
    "--config=copying --lag=0": "--lag must be from 1 to 9",
    "--config=copying --seeds=0": "--seeds must be an integer >= 1, got 0",
    "--config=copying --samples=x": "invalid int value: 'x'",
    "--config=copying --wrt=c": "wrt must be one of h, state, pre, x, got 'c'",
    "--config=copying --wrt=hh": "wrt must be one of h, state, pre, x, got 'hh'",
    "--config=copying --norm=spectrl": "norm must be one of loss, spectral, frobenius, directional, got 'spectrl'",
    "--config=copying --model.core.hidden_siz=3": "no option 'hidden_siz'; did you mean 'hidden_size'?",
    "--config=copying --sed=3": "there is no option 'sed'",
    "--checkpoint=nowhere.ckpt": "--checkpoint must be a checkpoint as seqskip writes it, got 'nowhere.ckpt'",
    "--checkpoint=other.pt": "--checkpoint must be a checkpoint as seqskip writes it, got 'other.pt'",
    "--checkpoint=alone.ckpt": "--config must be given beside --checkpoint alone.ckpt",
    "--checkpoint=alone.ckpt --config=copying_lstm": "--checkpoint must hold weights of this very model",
    "--config=copying --out=other.pt": "--out must be a folder, and other.pt is a file",
}


@pytest.fixture(scope="module")
def place(finished: Finished, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("place")
    shutil.copytree(finished.run, place / "mine")
    shutil.copy(finished.run / "checkpoints/best.ckpt", place / "alone.ckpt")
    (place / "junk.ckpt").write_text("junk junk\n", encoding="utf-8")
    torch.save({"weight": torch.zeros(3)}, place / "other.pt")
    return place


@pytest.mark.parametrize("line", REFUSED)
def test_mistakes_are_answered_in_one_line(line: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = sorted(place.rglob("*"))
    words = line.split()
    small = SMALL if any(word.startswith("--config") for word in words) else []
    with inside(place):
        assert main(["gradients", *words, *small]) == 1
    said = capsys.readouterr().err
    assert said.startswith("seqskip gradients: ") and said.count("\n") == 1 and REFUSED[line] in said
    assert sorted(place.rglob("*")) == before


def test_help_names_units_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["gradients", "--help"])
    printed = capsys.readouterr().out
    assert stop.value.code == 0
    assert all(text in printed for text in ("--run runs/copying", "time steps", "--selfcheck", "--model.core"))


def test_advice_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main(["gradients", "--advise", "500"]) == 0
    assert "<- best" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_not_there_are_null(tmp_path: Path) -> None:
    with inside(tmp_path):
        assert main(["gradients", "--config=copying", *SMALL, "--seeds=1", "--samples=1", "--out=there"]) == 0
    text = (tmp_path / "there/gradients.json").read_text(encoding="utf-8")
    found = numbers(tmp_path / "there")
    assert found["nets"][0]["half_life_interval"] == [None, None] and '"nan"' not in text
    assert "null" in found["units"]["half_life"] and '"inf"' in found["units"]["horizon"]
    assert set(found["units"]) <= set(found["nets"][0])


def test_why_there_is_no_half_life_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main(["gradients", "--config=copying", *SMALL, "--delays=5", "--seeds=1", "--out=there"]) == 0
    printed = capsys.readouterr().out
    assert "no law is fitted, since the sequence is too short: of 10 lags there are 2 windows of 5" in printed
    assert "half-life no" not in printed


def test_the_files_hold_decays_with_their_theory(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with inside(tmp_path):
        assert main([*THREE, *SMALL]) == 0
    decay = Decay.load(tmp_path / "gradients/copying/delays_1_4.npz")
    assert decay.bound_name == "path bound"
    assert decay.zero_counts()
    found = net(numbers(tmp_path / "gradients/copying"), "1,4")
    assert str(decay.fit()) == found["law"]
    assert verdict(decay, 8).sentence == found["sentence"]
    assert found["sentence"] in capsys.readouterr().out

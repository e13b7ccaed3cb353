"""What a mistyped or hostile command line gets: one line with the repair, no traceback, no code run."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from seqskip.cli import main
from tests.cli.conftest import TINY, Finished, inside

CASES = {
    "--model.core=RNNN": ["model.core must be one of", "GRU, ", "LSTM, ", "RNN, ", "got 'RNNN'", "did you mean 'RNN'"],
    "--model.core.hidden_siz=3": ["no option 'hidden_siz'", "did you mean 'hidden_size'"],
    "--data.task=Copyng": ["data.task must be one of ACSF1, Adding, ", "Copying, ", "got 'Copyng'", "mean 'Copying'"],
    "--data.task.dely=5": ["no option 'dely'", "did you mean 'delay'"],
    "--model.optimizer=RMSpro": ["must be one of", "did you mean 'RMSprop'"],
    "--trainer.max_stps=3": ["no option 'trainer.max_stps'", "did you mean 'trainer.max_steps'"],
    "--data.task.delay=abc": ["data.task.delay must be of type int, got 'abc'"],
    "--data.task.delay=0": ["delay must be an integer >= 1, got 0"],
    "--data.batch_size=0": ["batch_size must be an integer >= 1, got 0"],
    "--data.chunk_steps=0": ["chunk_steps must be an integer >= 1, got 0"],
    "--data.chunk_steps=half": ["data.chunk_steps must be of type int or null, got 'half'"],
    "--model.optimizer.init_args.lr=fast": ["fit: model.optimizer.lr must be of type float, got 'fast'\n"],
    "--trainer.gradient_clip_val=x": ["fit: trainer.gradient_clip_val must be of type int, float or null, got 'x'\n"],
    "--trainer.precision=7": ["fit: trainer.precision must be one of 64, 32, 16, ", ", or null, got '7'\n"],
    "--model.lr=1": ["no option 'model.lr'", "did you mean 'model.optimizer.init_args.lr'?"],
    "--model.core.residual=ad": ["residual must be one of add, highway, dense, got 'ad'", "did you mean 'add'"],
    "--model.core.residul=add": ["no option 'residul'", "did you mean 'residual'"],
    "--model.core.norm=lay": ["norm must be one of layer, rms, batch, got 'lay'", "did you mean 'layer'"],
    "--model.core.init=orthogonl": [
        "init must be one of torch, orthogonal, identity, tf1",
        "did you mean 'orthogonal'",
    ],
    "--model.core.init=Chrono": ["model.core.init.longest must be given: add --model.core.init.longest, or start"],
    "--model.core.init={class_path: Chrno}": ["model.core.init must be one of Chrono, ForgetBias", "mean 'Chrono'"],
    "--model.core.init={class_path: Chrono, init_args: {longst: 9}}": ["no option 'longst'", "mean 'longest'"],
    "--model.core.init={class_path: Chrono, init_args: {longest: x}}": [
        "model.core.init.longest",
        "type float, got 'x'",
    ],
    "--model.core.init={class_path: Chrono, init_args: {longest: 1}}": [
        ": longest must be a finite number >= 2, got 1"
    ],
    "--model.core.init={class_path: Chrono, init_args: {longest: 9}}": ["is one for LSTM and GRU, got RNN"],
    "--model.core.input_delays=-1": ["input_delays must be integers >= 0, got -1"],
    "--model.core.delays=8": ["delays must be given once", "model.core.delays=8"],
    "--model.core.num_layers=2": ["delays must be given once", "model.core.num_layers=2"],
    "--model.delays=0": ["delays must be numbers >= 1, got 0"],
    "--model.delays=[2,2]": ["delays of one layer must differ, got [2, 2]"],
    "--model.delays=dilate": ["got 'dilate'"],
    "--config=nowhere.yaml": ["config must be a file or one of", "copying", "got 'nowhere.yaml'"],
    "--config=copyng.yaml": ["did you mean 'copying'"],
    "--run=nowhere": ["run must be the folder of a training", "got 'nowhere'"],
    "--run": ["--run must be followed by the folder of a run"],
    "--name=../out": ["name must be the name of one folder, got '../out'"],
    "--threads=0": ["threads must be an integer >= 1, got 0"],
}

HOSTILE = {
    "a function of os": "model: {core: os.system}",
    "a task": "data: {task: {class_path: subprocess.Popen, init_args: {args: [touch, hit]}}}",
    "a callback's function": (
        "trainer: {callbacks: [{class_path: LambdaCallback, init_args: {on_fit_start: os.abort}}]}"
    ),
    "torch.hub": (
        "model: {optimizer: {class_path: torch.hub.load, init_args: {repo_or_dir: evil, model: x, source: local}}}"
    ),
    "a pickle": "model: {core: {class_path: torch.load, init_args: {f: evil.pt, weights_only: false}}}",
    "a checkpoint": "model: {core: {class_path: pytorch_lightning.LightningModule.load_from_checkpoint}}",
    "a nested class": (
        "model: {optimizer: {class_path: pytorch_lightning.cli.instantiate_class, "
        "init_args: {init: {class_path: os.system, init_args: {command: touch hit}}}}}"
    ),
    "an initialiser": "model: {core: {init_args: {init: {class_path: os.system, init_args: {command: touch hit}}}}}",
    "what is behind an initialiser": "model: {core: {init_args: {init: {class_path: seqskip.init.base.torch.load}}}}",
    "a checkpoint elsewhere": (
        "trainer: {callbacks: [{class_path: ModelCheckpoint, init_args: {dirpath: /anywhere}}]}"
    ),
    "a callback that writes where it is told": (
        "trainer: {callbacks: [{class_path: seqskip.training.progress.Interruption, "
        "init_args: {checkpoint: notes.txt, resume: x}}]}"
    ),
    "the command line itself": "model: {optimizer: {class_path: seqskip.cli.main.main, init_args: {args: [info]}}}",
}


def refused(words: list[str], folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with inside(folder):
        assert main(words) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"seqskip {words[0]}: ") and said.count("\n") == 1 and "Traceback" not in said
    assert not (folder / "runs").exists()
    return said


@pytest.mark.parametrize("word", CASES)
def test_mistakes_are_answered_in_one_line(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = refused(["fit", "--config=copying", *TINY, word], tmp_path, capsys)
    for text in CASES[word]:
        assert text in said


@pytest.mark.parametrize(
    ("config", "word", "message"),
    [
        ("adding", "--seed_everything=0", "chunk_steps needs a task with an answer at every step, got Adding"),
        ("copying", "--model.core.bidirectional=true", "a chunk needs a layer with bidirectional=False, got"),
        ("copying", "--model.core.norm=batch", "a chunk needs a norm of each step alone, got norm='batch'"),
    ],
)
def test_chunks_are_refused_where_they_change_the_answers(
    config: str, word: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(["fit", f"--config={config}", "--data.chunk_steps=4", word], tmp_path, capsys)
    assert message in said


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_config_from_a_stranger_runs_no_code(kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil/hubconf.py").write_text("import pathlib; pathlib.Path('hit').touch()", encoding="utf-8")
    (tmp_path / "evil.yaml").write_text(HOSTILE[kind], encoding="utf-8")
    said = refused(["fit", "--config=copying", *TINY, "--config=evil.yaml"], tmp_path, capsys)
    assert "a config cannot run code" in said and not (tmp_path / "hit").exists()


def test_what_a_message_quotes_is_not_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "stranger.py").write_text("import pathlib; pathlib.Path('hit').touch()", encoding="utf-8")
    text = """data: {batch_size: "Option 'x' is not accepted class_path='stranger.X'"}"""
    (tmp_path / "evil.yaml").write_text(text, encoding="utf-8")
    refused(["fit", "--config=copying", *TINY, "--config=evil.yaml"], tmp_path, capsys)
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [("modl: {x: 3}", "no option 'modl"), ("model: [1, 2", "Problems parsing config"), ("3", "")],
)
def test_a_broken_config_is_answered_in_one_line(
    text: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.yaml").write_text(text, encoding="utf-8")
    assert message in refused(["fit", "--config=copying", *TINY, "--config=broken.yaml"], tmp_path, capsys)


def test_an_engine_that_cannot_run_is_answered_in_one_line(tmp_path: Path) -> None:
    environment = {**os.environ, "SEQSKIP_BACKEND": "native", "SEQSKIP_NO_JIT": "1"}
    command = [sys.executable, "-m", "seqskip", "fit", "--config=copying", *TINY]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "seqskip fit: backend='native' cannot run: the native engine is switched off" in done.stderr.splitlines()[-1]


def test_fit_without_a_config_says_where_to_start(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--config configs/copying.yaml" in refused(["fit"], tmp_path, capsys)


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fitt"]) == 2
    assert "unknown command 'fitt'; did you mean 'fit'?" in capsys.readouterr().err


def test_a_run_without_a_checkpoint_is_refused(
    finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "part"
    run.mkdir()
    (run / "config.yaml").write_bytes((finished.run / "config.yaml").read_bytes())
    assert "holds no checkpoint yet" in refused(["test", f"--run={run}"], tmp_path, capsys)
    with inside(tmp_path):
        assert main(["gradients", "--run", str(run)]) == 1
    assert "gradient_decay.npz" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--data.task.delay=7", "a run goes on with its own task"),
        ("--model.core.hidden_size=5", "ckpt_path must hold weights of this very model"),
        ("--name=other", "--name must not be given beside --run"),
        ("--ckpt_path=other.ckpt", "--ckpt_path must not be given beside --run"),
        ("--run=other", "--run must not be given beside --run"),
    ],
)
def test_a_run_does_not_go_on_as_another(
    word: str, message: str, finished: Finished, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [finished.run / name for name in ("checkpoints/last.ckpt", "metrics.csv", "config.yaml", "summary.json")]
    before = [path.read_bytes() for path in files]
    assert message in refused(["fit", f"--run={finished.run}", word], tmp_path, capsys)
    assert [path.read_bytes() for path in files] == before


def test_measuring_needs_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "ckpt_path must be given, or --run" in refused(["test", "--config=copying", *TINY], tmp_path, capsys)


def test_an_unusable_root_is_answered_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    refused(["fit", "--config=copying", *TINY, "--trainer.default_root_dir=file"], tmp_path, capsys)

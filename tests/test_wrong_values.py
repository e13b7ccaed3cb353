"""A value of the wrong kind, however deep in a config: one line with the whole name, what it must be and what came."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from seqskip.benchmark.grid.expand import expand
from seqskip.benchmark.grid.lines import SuiteError
from seqskip.benchmark.grid.merge import merged
from seqskip.benchmark.grid.read import read
from seqskip.settings.errors import explain
from seqskip.settings.safety import restrict_imports
from seqskip.settings.settings import complete
from tests.benchmark.grid.suites import write

BASE: dict[str, Any] = {
    "data": {"task": {"class_path": "LagCopy"}},
    "model": {
        "core": {"class_path": "RNN", "init_args": {"hidden_size": 1}},
        "optimizer": {"class_path": "Adam", "init_args": {"lr": 0.1}},
    },
}

CASES = {
    "model: {optimizer: {init_args: {lr: fast}}}": "model.optimizer.lr must be of type float, got 'fast'",
    "model: {optimizer: {init_args: {lr: true}}}": "model.optimizer.lr must be of type float, got True",
    "model: {optimizer: {init_args: {lr: [1]}}}": "model.optimizer.lr must be of type float, got [1]",
    "model: {optimizer: {init_args: {betas: [a, b]}}}": "model.optimizer.betas must be of type float, got 'a'",
    "model: {optimizer: {init_args: {betas: 3}}}": "model.optimizer.betas must be of type list, got 3",
    "model: {optimizer: {init_args: {betas: [1]}}}": "model.optimizer.betas must be a list with 2 elements, got [1]",
    "model: {optimizer: {init_args: {amsgrad: x}}}": "model.optimizer.amsgrad must be of type bool, got 'x'",
    "model: {optimizer: {init_args: {fused: x}}}": "model.optimizer.fused must be of type bool or null, got 'x'",
    "model: {optimizer: {init_args: 3}}": "model.optimizer.init_args must be a mapping of options, got 3",
    "model: {core: {init_args: {hidden_size: x}}}": "model.core.hidden_size must be of type int or list[int], got 'x'",
    "model: {core: {init_args: {init: 3}}}": "model.core.init must be of type Initialiser or str, got 3",
    "model: {scheduler: {class_path: CosineAnnealingLR, init_args: {T_max: x}}}": (
        "model.scheduler.T_max must be of type int, got 'x'"
    ),
    "model: {scheduler: {class_path: LambdaLR, init_args: {lr_lambda: x}}}": (
        "model.scheduler.lr_lambda must be of type Callable[[int], float] or list[Callable[[int], float]], got 'x'"
    ),
    "model: {scheduler: {class_path: ReduceLROnPlateau}}": (
        "model.scheduler must be a full class path where its name is that of several: "
        "torch.optim.lr_scheduler.ReduceLROnPlateau, pytorch_lightning.cli.ReduceLROnPlateau"
    ),
    "model: {delays: {a: 1}}": (
        "model.delays must be of type int, list[int], list[int | list[int]], str or null, got {'a': 1}"
    ),
    "model: x": "model must be a mapping of settings, or a file of them, got 'x'",
    "seed_everything: null": "seed_everything must be of type int, got None",
    "trainer: {gradient_clip_val: x}": "trainer.gradient_clip_val must be of type int, float or null, got 'x'",
    "trainer: {gradient_clip_val: [1]}": "trainer.gradient_clip_val must be of type int, float or null, got [1]",
    "trainer: {precision: 7}": (
        "trainer.precision must be one of 64, 32, 16, 'transformer-engine', 'transformer-engine-float16', '16-true', "
        "'16-mixed', 'bf16-true', 'bf16-mixed', '32-true', '64-true', '64', '32', '16', 'bf16', or null, got 7"
    ),
    "trainer: {deterministic: maybe}": (
        "trainer.deterministic must be of type bool or null, or one of 'warn', got 'maybe'"
    ),
    "trainer: {logger: 7}": "trainer.logger must be of type Logger, list[Logger], bool or null, got 7",
    "trainer: {logger: {class_path: CSVLogger, init_args: {save_dir: 3}}}": (
        "trainer.logger.save_dir must be of type str or Path, got 3"
    ),
    "trainer: {callbacks: [{class_path: EarlyStopping, init_args: {monitor: 3}}]}": (
        "trainer.callbacks.monitor must be of type str, got 3"
    ),
    "trainer: {max_time: 3}": "trainer.max_time must be of type str, timedelta, dict[str, int] or null, got 3",
}


def said(change: str) -> str:
    """Return what is said of a config with a change."""
    restrict_imports()
    with pytest.raises(ValueError) as caught:
        complete(merged(copy.deepcopy(BASE), yaml.safe_load(change)))
    return str(caught.value)


@pytest.mark.parametrize("change", CASES)
def test_a_value_of_the_wrong_kind(change: str) -> None:
    assert said(change) == CASES[change]


@pytest.mark.parametrize("key", ["model.optimizer", "model.core", "data.task", "model.scheduler"])
def test_what_is_no_class_at_all(key: str) -> None:
    group, name = key.split(".")
    message = said(f"{group}: {{{name}: 3}}")
    assert message.startswith(f"{key} must be one of ") and message.endswith(", got 3")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("model: {lr: 1}", "model has no option 'lr'; did you mean 'model.optimizer.init_args.lr'?"),
        ("model: {hidden_size: 1}", "has no option 'hidden_size'; did you mean 'model.core.init_args.hidden_size'?"),
        ("data: {alphabet: 1}", "data has no option 'alphabet'; did you mean 'data.task.init_args.alphabet'?"),
        ("model: {optimizr: 1}", "model has no option 'optimizr'; did you mean 'model.optimizer'?"),
        ("model: {encoder-size: 1}", "model has no option 'encoder-size'; did you mean 'model.encoder_size'?"),
        ("modl: {lr: 1}", "there is no option 'modl"),
        ("modl: 3", "there is no option 'modl'"),
        ("model: {'': 1}", "the name of a setting must not be empty or end with a dot"),
        ("model: {'a b': 1}", "the name of a setting must have no spaces, got 'a b'"),
        ("model: {core: {init_args: {hidden_size: null}}}", "model.core.hidden_size must be given: add --model.core.h"),
    ],
)
def test_a_name_that_there_is_not(change: str, message: str) -> None:
    assert message in said(change) and "\n" not in said(change) and "Namespace(" not in said(change)


def test_a_complaint_that_is_not_known_is_one_line_with_its_key() -> None:
    message = 'Parser key "model.core":\n  Parser key "gate":\n    Something new\n    is wrong here'
    assert explain(message, []) == "model.core.gate: is wrong here"


@pytest.mark.parametrize(
    ("before", "after", "line", "message"),
    [
        ("lr: 1e-2", "lr: fast", 18, "config: model.optimizer.lr must be of type float, got 'fast'"),
        ("{accelerator: cpu}", "{gradient_clip_val: x}", 19, "config: trainer.gradient_clip_val must be of type int, "),
        (
            "budget:",
            "tuning: {model.optimizer.init_args.lr: [true]}\nbudget:",
            15,
            "lr must be of type float, got True",
        ),
        ("budget:", "tuning: {model.: [1]}\nbudget:", 15, "tuning.model.: the name of a setting must not be empty"),
    ],
)
def test_in_a_suite_with_its_line(tmp_path: Path, before: str, after: str, line: int, message: str) -> None:
    path = write(tmp_path, (before, after))
    with pytest.raises(SuiteError) as caught:
        expand(read(path))
    (problem,) = caught.value.problems
    assert problem.startswith(f"{path}:{line}: ") and message in problem and "\n" not in problem

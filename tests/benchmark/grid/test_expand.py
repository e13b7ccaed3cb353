"""The runs of a suite: what they are, what makes them the same, and what cannot be run, told before anything runs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from seqskip.benchmark.grid.expand import expand
from seqskip.benchmark.grid.lines import SuiteError
from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.grid.read import read, shipped
from seqskip.settings.settings import Settings
from seqskip.tasks import LagCopy
from seqskip.training.summary import parameters
from tests.benchmark.grid.suites import write


def plans(folder: Path, *changes: tuple[str, str]) -> list[Plan]:
    return expand(read(write(folder, *changes))).plans


def test_every_combination_is_run_once(tmp_path: Path) -> None:
    grid = expand(read(write(tmp_path)))
    found = [(plan.seed, plan.length["lag"], plan.model) for plan in grid.plans]
    assert found == [(seed, lag, model) for seed in (0, 1) for lag in (2, 3) for model in ("plain", "skip")]
    assert grid.sources == {"lag": LagCopy.source}
    assert len({plan.id for plan in grid.plans}) == len(grid.plans)


def test_a_task_is_run_with_the_models_that_it_names(tmp_path: Path) -> None:
    other = "  other: {task: {class_path: LagCopy, init_args: {length: 300}}, models: [plain]}"
    found = plans(tmp_path, ("budget:", f"    models: [skip]\n{other}\nbudget:"))
    assert [(plan.seed, plan.length.get("lag"), plan.model) for plan in found] == [
        (seed, lag, model) for seed in (0, 1) for lag, model in ((2, "skip"), (3, "skip"), (None, "plain"))
    ]


def test_a_config_makes_what_the_suite_says(tmp_path: Path) -> None:
    plan = plans(tmp_path)[-1]
    module, data = Settings.of(plan.config).make()
    assert isinstance(module.task, LagCopy) and module.task.lag == 3
    assert module.model.core.delays == ((1, 4),)
    assert 333 <= parameters(module) <= 367
    assert (data.batch_size, data.seed) == (4, 1)
    assert plan.config["trainer"] == {"accelerator": "cpu", "max_steps": 4}
    assert plan.task_version == LagCopy.version


def test_all_settings_are_written_out(tmp_path: Path) -> None:
    config = plans(tmp_path)[0].config
    assert json.loads(json.dumps(config)) == config
    assert config["model"]["optimizer"]["init_args"]["eps"] == 1e-8
    assert config["data"]["task"]["init_args"]["alphabet"] == 4


def test_tuning_is_the_same_for_every_model(tmp_path: Path) -> None:
    lr = "model.optimizer.init_args.lr"
    found = plans(tmp_path, ("seeds: 2", f"tuning: {{{lr}: [0.1, 1e-3], data.batch_size: [2, 4]}}"))
    assert len(found) == 4 * 4
    for model in ("plain", "skip"):
        asked = [plan.tuning for plan in found if plan.model == model and plan.length == {"lag": 2}]
        assert asked == [{lr: rate, "data.batch_size": size} for rate in (0.1, 0.001) for size in (2, 4)]
    assert all(plan.config["model"]["optimizer"]["init_args"]["lr"] == plan.tuning[lr] for plan in found)
    assert all(plan.config["data"]["batch_size"] == plan.tuning["data.batch_size"] for plan in found)


def test_a_task_may_have_a_tuning_of_its_own(tmp_path: Path) -> None:
    lr = "model.optimizer.init_args.lr"
    other = "  other:\n    task: {class_path: LagCopy, init_args: {alphabet: 4, length: 20, lag: 5}}\n"
    own = f"{other}    tuning: {{data.batch_size: [2, 4]}}\ntuning: {{{lr}: [0.1, 1e-3]}}\nbudget:"
    found = plans(tmp_path, ("seeds: 2\n", ""), ("budget:", own))
    for model in ("plain", "skip"):
        asked = [(plan.task, plan.tuning) for plan in found if plan.model == model and plan.length.get("lag") != 3]
        assert asked == [
            *(("lag", {lr: rate}) for rate in (0.1, 0.001)),
            *(("other", {"data.batch_size": size}) for size in (2, 4)),
        ]
    assert {plan.config["data"]["batch_size"] for plan in found if plan.task == "other"} == {2, 4}


def test_the_same_run_has_the_same_name(tmp_path: Path) -> None:
    before = [plan.id for plan in plans(tmp_path)]
    renamed = plans(tmp_path, ("plain:", "another name:"), ("# Two nets", "# Some nets"))
    assert [plan.id for plan in renamed] == before
    grown = [plan.id for plan in plans(tmp_path, ("[2, 3]", "[2, 3, 4]"), ("seeds: 2", "seeds: 3"))]
    assert set(before) < set(grown)
    spelled_out = plans(tmp_path, ("init: orthogonal", "init: orthogonal, num_layers: 1"))
    assert [plan.id for plan in spelled_out] == before


@pytest.mark.parametrize("change", [("steps: 4", "steps: 5"), ("1e-2", "1e-3"), ("length: 20", "length: 21")])
def test_another_run_has_another_name(tmp_path: Path, change: tuple[str, str]) -> None:
    assert not {plan.id for plan in plans(tmp_path)} & {plan.id for plan in plans(tmp_path, change)}


def test_another_version_of_a_task_or_of_the_code_is_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plans(tmp_path)[0]
    before = plan.id
    assert replace(plan, task_version=2).id != before
    monkeypatch.setattr("seqskip.benchmark.grid.plan.CODE_VERSION", "99")
    assert plan.id != before


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("class_path: LagCopy", "class_path: LagCopie", 13, "got 'LagCopie'; did you mean 'LagCopy'"),
        ("{core: RNN}", "{core: RNM}", 7, "must be one of .*, got 'RNM'; did you mean 'RNN'"),
        ("alphabet: 4", "alphabets: 4", 13, "has no option 'alphabets'; did you mean 'alphabet'"),
        ("init: orthogonal", "innit: orthogonal", 10, "has no option 'innit'; did you mean 'init'"),
        ("init: orthogonal", "init: ortogonal", 10, "ortogonal.*orthogonal"),
        ("{lag: [2, 3]}", "{lag: [2, 0]}", 13, "lag must be an integer >= 1, got 0"),
        ("[1, 4]", "[1, 1]", 8, "delays"),
        ("init: orthogonal", "hidden_size: 3", 10, "'hidden_size' must be left out where match_parameters"),
        ("match_parameters: 350", "match_parameters: 5", 7, "must be near what the model can have"),
        ("match_parameters: 350", "match_parameters: 99999999999", 7, "must be at most .* with 4096 units"),
        ("match_parameters: 350", "threads: 2", 7, "'hidden_size' must be given"),
        ("{accelerator: cpu}", "{callbacks: null}", 19, "trainer must leave 'callbacks' to the benchmark"),
        ("{accelerator: cpu}", "{max_steps: 3}", 19, "budget has steps and minutes"),
        ("{accelerator: cpu}", "{gradient_clip: 3}", 19, "no option 'gradient_clip'; did you mean"),
        ("{accelerator: cpu}", "{}\ntuning: {model.lr: [1]}", 20, "model has no option 'lr'|no option 'lr'"),
        ("{accelerator: cpu}", "{}\ntuning: {model.core.init_args.bias: [true]}", 20, "must leave 'core'"),
        ("{accelerator: cpu}", "{}\ntuning: {modle.lr: [1]}", 20, "must be one of data, model, trainer, got 'modle'"),
        ("{accelerator: cpu}", "{}\ntuning: {model: [1]}", 20, "a tuned setting must be one, .*, got all of 'model'"),
        ("{accelerator: cpu}", "{}\ntuning: {trainer.max_steps: [1]}", 20, "budget has steps and minutes"),
        ("{accelerator: cpu}", "{accelerator: gpuu}", 19, "got 'gpuu'; did you mean 'gpu'"),
        ("{accelerator: cpu}", "{strategy: dpp}", 19, "strategy must be one of .*, got 'dpp'; did you mean 'ddp'"),
        ("{accelerator: cpu}", "{strategy: ddp_fork_find_unused_parameters_true}", 19, "; use 'ddp'"),
        ("{accelerator: cpu}", "{strategy: ddp_spawn}", 19, "got 'ddp_spawn'; use 'ddp'"),
        ("{accelerator: cpu}", "{num_nodes: 2}", 16, "trainer.num_nodes must be 1, .* got 2"),
        ("budget:", "    trainer: {num_nodes: 2}\nbudget:", 12, "trainer.num_nodes must be 1, .* got 2"),
        ("lr: 1e-2", "lr: -1.0", 16, "config: Invalid learning rate: -1.0"),
        ("{accelerator: cpu}", "{}\ntuning: {model.optimizer.init_args.lr: [1, -1]}", 20, "Invalid learning rate: -1"),
        ("{accelerator: cpu}", "{}\ntuning: {data.batch_size: [0]}", 20, "tuning.data.batch_size: .* got 0"),
        ("{accelerator: cpu}", "{}\ntuning: {model.encoder_size: [0]}", 20, "tuning.model.encoder_size: .* got 0"),
        ("{accelerator: cpu}", "{}\ntuning: {data.seed: [1, 2]}", 20, "data must leave 'seed' to the suite's seeds"),
        ("{accelerator: cpu}", "{}\ntuning: {data.task: [LagCopy]}", 20, "must leave 'task' to the tasks' own key"),
        ("budget:", "    data: {batch_size: 8}\n    tuning: {data.batch_size: [2]}\nbudget:", 16,
         "tasks.lag: 'data.batch_size' must be said once, and is tuned and given as 8"),
        ("models:\n  plain: {", "tuning: {model.encoder_size: [2]}\nmodels:\n  plain: {encoder_size: 4, ", 8,
         "models.plain: 'model.encoder_size' must be said once, and is tuned and given as 4"),
        ("budget:", "    data: {seed: 8}\nbudget:", 15, "tasks.lag: data must leave 'seed'"),
        ("budget:", "    tuning: {modle.lr: [1]}\nbudget:", 15, "tasks.lag.tuning.modle.lr: .*, got 'modle'"),
        ("  model: {opt", "  model: {delays: 2, opt", 18, "config: model must leave 'delays' to the models"),
        ("  skip:", "  twin: {core: RNN}\n  skip:", 8, "must differ from .* in more than its name"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_told_with_its_line(
    tmp_path: Path, before: str, after: str, line: int, said: str
) -> None:
    path = write(tmp_path, (before, after))
    with pytest.raises(SuiteError, match=said) as caught:
        expand(read(path))
    assert caught.value.problems[0].startswith(f"{path}:{line}: "), caught.value.problems


@pytest.mark.parametrize("name", shipped())
def test_shipped_suites_can_be_run(name: str) -> None:
    suite = read(shipped()[name])
    first, second, *_ = suite.path.read_text(encoding="utf-8").splitlines()
    assert first.startswith(f"# seqskip bench run {name}") and second.startswith("# ")
    grid = expand(suite)
    assert len({plan.id for plan in grid.plans}) == len(grid.plans) > 0

"""A suite as it is read: what it says, and every kind of mistake in it, with its line."""

from pathlib import Path

import pytest

from seqskip.benchmark.grid.lines import SuiteError
from seqskip.benchmark.grid.read import read, shipped, suite_file
from seqskip.benchmark.grid.suite import Budget, combinations
from tests.benchmark.grid.suites import TINY, write


def test_what_a_suite_says(tmp_path: Path) -> None:
    suite = read(write(tmp_path))
    assert (suite.name, suite.seeds, suite.match_parameters, suite.threads) == ("tiny", (0, 1), 350, 1)
    assert suite.description == "Two nets, one task.\nThe end."
    assert list(suite.models) == ["plain", "skip"]
    assert suite.models["plain"]["core"] == {"class_path": "RNN"}
    assert suite.tasks["lag"].sizes() == [{"lag": 2}, {"lag": 3}]
    assert suite.tasks["lag"].budget == Budget(4)
    assert suite.config["model"]["optimizer"]["init_args"]["lr"] == 0.01  # which YAML 1.1 reads as a text


def test_a_task_may_have_a_budget_and_data_of_its_own(tmp_path: Path) -> None:
    own = "    budget: {minutes: 0.5}\n    data: {batch_size: 8}\nbudget:"
    suite = read(write(tmp_path, ("budget:", own)))
    assert suite.tasks["lag"].budget == Budget(4, 0.5)
    assert suite.tasks["lag"].budget.trainer() == {"max_steps": 4, "max_time": {"seconds": 30}}
    assert suite.tasks["lag"].config == {"data": {"batch_size": 8}}


def test_a_task_may_name_its_models(tmp_path: Path) -> None:
    assert read(write(tmp_path)).tasks["lag"].models == ("plain", "skip")
    suite = read(write(tmp_path, ("budget:", "    models: [skip]\n  other: {task: Adding}\nbudget:")))
    assert suite.tasks["lag"].models == ("skip",) and suite.tasks["other"].models == ("plain", "skip")
    with pytest.raises(SuiteError, match=r"tiny\.yaml:15: .*plain, skip, got 'skp'; did you mean 'skip'"):
        read(write(tmp_path, ("budget:", "    models: [skp]\n  other: {task: Adding}\nbudget:")))


def test_combinations() -> None:
    assert combinations({}) == [{}]
    assert combinations({"a": [1, 2], "b": [3, 4]}) == [
        dict(zip("ab", of, strict=True)) for of in ((1, 3), (1, 4), (2, 3), (2, 4))
    ]


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("seeds: 2", "sedes: 2", 4, "a suite has no key 'sedes'; .*did you mean 'seeds'"),
        ("seeds: 2", "seeds: 0", 4, "seeds must be an integer >= 1, got 0"),
        ("seeds: 2", "seeds: [1, 1]", 4, r"seeds must be a count or a list of different ones, got \[1, 1\]"),
        ("match_parameters: 350", "match_parameters: many", 5, "match_parameters must be an integer >= 1, got 'many'"),
        ("    delays: [1, 4]", "    delay: [1, 4]", 9, "models.skip has no key 'delay'; .*did you mean 'delays'"),
        ("{core: RNN}", "{delays: 2}", 7, "models.plain must have core"),
        ("{lag: [2, 3]}", "{lag: []}", 14, r"tasks.lag.lengths.lag must be a list of one value at least, got \[\]"),
        ("{lag: [2, 3]}", "{lag: [2, 2]}", 14, "tasks.lag.lengths.lag must name each value once"),
        ("budget: {steps: 4}", "budget: {step: 4}", 15, "budget has no key 'step'; .*did you mean 'steps'"),
        ("budget: {steps: 4}", "budget: {steps: 4, minutes: 0}", 15, "minutes must be a finite number > 0, got 0"),
        ("  trainer:", "  trainers:", 19, "config has no key 'trainers'; .*did you mean 'trainer'"),
        ("seeds: 2", "seeds: 2\nseeds: 3", 5, "seeds must be given once"),
        ("seeds: 2", "published: [{task: lag}]", 4, "what is published must have model, length, source"),
        ("seeds: 2", "tuning: {model.optimizer.init_args.lr: 0.1}", 4, "must be a list of .*, got 0.1"),
        ("seeds: 2", "tuning: {model.optimizer.init_args.lr: [.nan]}", 4, r"must have finite numbers .*, got \[nan\]"),
        ("seeds: 2", "tuning: []", 4, r"tuning must be a mapping of names, got \[\]"),
        ("budget:", "    tuning: 0\nbudget:", 15, "tasks.lag.tuning must be a mapping of names, got 0"),
        ("{lag: [2, 3]}", "[]", 14, r"tasks.lag.lengths must be a mapping of names, got \[\]"),
        ("budget:", "    budget: 0\nbudget:", 15, "tasks.lag.budget must be a mapping of names, got 0"),
        ("budget:", "    models: [skip]\nbudget:", 7, "models.plain must be run on a task, and none names it"),
        ("budget:", "    tuning: {}\ntuning: {data.batch_size: [2]}\nbudget:", 16, "every task has its own"),
        ("{steps: 4}", "{steps: 4, minutes: 1e15}", 15, "minutes must be at most a year, 525,600, got 10000"),
        ("seeds: 2", "seeds: 300000000", 4, "seeds must be at most 10,000, got 300,000,000"),
        ("seeds: 2", "published: {}", 4, "published must be a list"),
        ("seeds: 2", "published: [{task: lag, model: a, length: {leg: 2}, source: x}]", 4, "must name lag, .*'leg'"),
        ("seeds: 2", "seeds: [4294967296]", 4, "seeds must be at most 4294967295, .*, got 4294967296"),
        ("{core: RNN}", "{core: 3}", 7, "models.plain.core must be a mapping of names, got 3"),
        ("{core: RNN}", "{core: {class_path: [RNN]}}", 7, r"class_path must be the name of a class, got \['RNN'\]"),
        ("{init: orthogonal}", "[1]", 10, r"models.skip.core.init_args must be a mapping of names, got \[1\]"),
        ("{class_path: LagCopy, init_args: {alphabet: 4, length: 20}}", "[3]", 13, r"tasks.lag.task must be a mapping"),
        ("{alphabet: 4, length: 20}", "3", 13, "tasks.lag.task.init_args must be a mapping of names, got 3"),
        ("{batch_size: 4, steps_per_epoch: 2, val_size: 8, test_size: 8}", "3", 17, "config.data must be a mapping"),
        *(
            ("seeds: 2", f"published: [{{task: lag, model: plain, length: {{lag: 2}}, source: x, {wrong}}}]", 4, said)
            for wrong, said in (
                ("value: a", "published.value must be a finite number, got 'a'"),
                ("value: .inf", "published.value must be a finite number, got inf"),
                ("steps: [1]", r"published.steps must be a finite number, got \[1\]"),
                ("note: 3", "published.note must be a text, got 3"),
                ("metric: [a]", "published.metric must be a text"),
            )
        ),
        ("seeds: 2", "published: [{task: leg, model: a, length: {}, source: x}]", 4, "got 'leg'; did you mean 'lag'"),
        ("seeds: 2", "published: [{task: lag, model: 4, length: {}, source: x}]", 4, "model must be a text, got 4"),
        ("seeds: 2", "published: [{task: lag, model: a, length: 5, source: x}]", 4, "length must be a mapping"),
        ("seeds: 2", "published: [{task: lag, model: a, length: {a: .nan}, source: x}]", 4, "must have finite numbers"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line(tmp_path: Path, before: str, after: str, line: int, said: str) -> None:
    path = write(tmp_path, (before, after))
    with pytest.raises(SuiteError, match=said) as caught:
        read(path)
    assert caught.value.problems[0].startswith(f"{path}:{line}: ")


def test_all_mistakes_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as caught:
        read(write(tmp_path, ("seeds: 2", "sedes: 2"), ("delays", "delay"), ("steps: 4", "step: 4")))
    assert len(caught.value.problems) == 4  # and budget.steps is missing


@pytest.mark.parametrize("part", ["models", "tasks"])
def test_an_empty_grid(tmp_path: Path, part: str) -> None:
    lines = TINY.splitlines()
    start = lines.index(f"{part}:")
    end = next(at for at in range(start + 1, len(lines)) if not lines[at].startswith(" "))
    path = tmp_path / "empty.yaml"
    path.write_text("\n".join([*lines[:start], f"{part}: {{}}", *lines[end:]]), encoding="utf-8")
    with pytest.raises(SuiteError, match=f"{part} must have one entry at least: the grid would be empty"):
        read(path)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2", "", "\x00", "a: &a [*a]", "a: " + "[" * 2000, "a: 2020-13-45"])
def test_what_is_no_suite(tmp_path: Path, text: str) -> None:
    path = tmp_path / "none.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SuiteError, match="must be"):
        read(path)


def test_suites_by_name(tmp_path: Path) -> None:
    assert suite_file("quick") == shipped()["quick"]
    assert suite_file(str(write(tmp_path))) == tmp_path / "tiny.yaml"
    with pytest.raises(ValueError, match=r"suite must be a file or one of .*quick.*, got 'quik'; did you mean 'quick'"):
        suite_file("quik")

"""Contenders that agree, that are wrong, that cannot run a case, and that are not there."""

import sys
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import torch

from seqskip.benchmark import speed
from seqskip.benchmark.agreement import answer, truth, worst_error
from seqskip.benchmark.cases import KINDS, Case
from seqskip.benchmark.contender import Contender
from seqskip.benchmark.contenders import LONG, Engine, FoldedNN, LayerRunner, TorchNN, engines
from seqskip.benchmark.jax_scan import JaxScan
from seqskip.benchmark.others import TorchRecurrent
from seqskip.benchmark.problem import Problem, draw
from tests.benchmark.helpers import rows, run

SHAPE = (3, 37, 2, 5)  # 37 steps: no multiple of 16
CASES = [Case(layer, SHAPE, delays, dtype="float64", input_grad=True) for layer, delays in KINDS]
CASES += [Case("GRU", SHAPE, (2, 6), "mean", "float64"), Case("LSTM", SHAPE, (40,), dtype="float64")]
OPTIONAL = {"jax": JaxScan, "torchrecurrent": TorchRecurrent}


def name_of(contender: Contender | str) -> str:
    return contender if isinstance(contender, str) else contender.name


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
@pytest.mark.parametrize("contender", [TorchNN(), FoldedNN(), Engine("auto"), "jax", "torchrecurrent"], ids=name_of)
def test_who_has_the_recurrence_computes_it(contender: Contender | str, case: Case) -> None:
    if isinstance(contender, str):
        pytest.importorskip(contender)
        contender = OPTIONAL[contender]()
    if contender.applies(case) and contender.same_recurrence(case):
        problem = draw(case)
        given = answer(contender.build(problem), problem)
        assert worst_error(given, truth(problem)) < 1e-12
        assert len(given) >= 6 + case.input_grad  # output, four weights, output without grad


def test_who_applies() -> None:
    plain, dilated, additive = Case("RNN", SHAPE), Case("RNN", SHAPE, (4,)), Case("RNN", SHAPE, (1, 4))
    assert [FoldedNN().applies(case) for case in (plain, dilated, additive)] == [False, True, False]
    assert [TorchNN().same_recurrence(case) for case in (plain, dilated, additive)] == [True, False, False]
    assert [TorchRecurrent().applies(case) for case in (plain, dilated, replace(plain, layer="GRU"))] == [1, 0, 0]
    long = replace(plain, shape=(1, LONG, 1, 1))
    for everything in (True, False):
        (reference,) = [one for one in engines(everything=everything) if one.name == "seqskip reference"]
        assert reference.applies(plain) and reference.applies(long) is everything


def test_problems_are_drawn_alike_and_leave_the_generator_alone() -> None:
    before = torch.get_rng_state()
    first, second = (draw(Case("GRU", SHAPE)) for _ in range(2))
    assert torch.equal(first.x, second.x) and torch.equal(first.weights["weight_hh_l0"], second.weights["weight_hh_l0"])
    assert torch.equal(torch.get_rng_state(), before)


class Changed(Engine):
    """The reference with one part of its answer changed."""

    def __init__(self, part: str):
        super().__init__("reference")
        self.name, self.part = "changed", part

    def build(self, problem: Problem) -> LayerRunner:
        runner = super().build(problem)
        train, infer, stream = runner.train(), runner.infer(), runner.stream()
        changes = {
            "gradient": ("train", lambda: [*train[:-1], 1.01 * train[-1]]),
            "shape": ("train", lambda: [train[0][:1], *train[1:]]),
            "infinite": ("infer", lambda: infer / 0),
            "step": ("stream", lambda: lambda: stream() + 0.01),
        }
        setattr(runner, *changes[self.part])
        return runner


@pytest.mark.parametrize("part", ["gradient", "shape", "infinite", "step"])
def test_a_wrong_contender_is_flagged_and_not_timed(
    part: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "contenders", lambda options: [TorchNN(), Changed(part)])
    status, table, whole = run(capsys, tmp_path, "--layers", "GRU")
    (row,) = rows(whole, "changed")
    assert status == 1 and row["wrong"] and "train" not in row and row["error"] > 1e-3
    assert "changed           WRONG: RELATIVE ERROR" in table


class Unable(Contender):
    name = "unable"

    def build(self, problem: Problem) -> LayerRunner:
        raise ValueError("engine unable must have a compiler,\n  got none")


def test_who_cannot_run_a_case_gets_a_footnote(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speed, "contenders", lambda options: [TorchNN(), Unable()])
    status, table, _ = run(capsys, tmp_path)
    lines = table.splitlines()
    assert status == 0 and sum(line.split() == ["unable", "-", "[1]"] for line in lines) == 6
    assert lines.count("[1] unable: engine unable must have a compiler, got none") == 1


@pytest.mark.parametrize("package", OPTIONAL)
def test_missing_packages_are_said_to_be_missing(
    package: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError):
        import_module(package)
    monkeypatch.setattr(speed, "contenders", lambda options: [TorchNN(), OPTIONAL[package]()])
    status, table, whole = run(capsys, tmp_path, "--layers", "LSTM", "--delays", "1")
    name = OPTIONAL[package].name
    assert status == 0 and rows(whole, name)[0]["note"].startswith("not installed")
    assert f"{name:<17} not installed" in table.splitlines()

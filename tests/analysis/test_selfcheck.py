"""The checks of `seqskip gradients --selfcheck`: they hold, and each of them fails if the tool is broken."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from seqskip.analysis import Paths, autocorrelation, gradient_decay, lyapunov, shattering
from seqskip.analysis.selfcheck import GROUPS, Check, nets, shattered, wide
from seqskip.analysis.shattering import input_gradient

Tool = Callable[..., Any]


def distorted(change: Callable[[np.ndarray], np.ndarray]) -> Tool:
    """Return gradient_decay with its log norms changed."""

    def broken(*args: Any, **options: Any) -> Any:
        decay = gradient_decay(*args, **options)
        return replace(decay, log_norm=change(decay.log_norm.copy()))

    return broken


def underflowing(net: torch.nn.Module, *args: Any, **options: Any) -> Any:
    """gradient_decay as it would be in the net's own precision, without the scale kept beside the numbers."""
    decay = gradient_decay(net, *args, **options)
    single = next(net.parameters()).dtype == torch.float32
    return replace(decay, log_norm=np.where(decay.log_norm < -104, -np.inf, decay.log_norm)) if single else decay


def one_percent_too_long(log_norm: np.ndarray) -> np.ndarray:
    return log_norm + 0.01 * np.arange(log_norm.shape[-1])


def one_lag_late(log_norm: np.ndarray) -> np.ndarray:
    return np.roll(log_norm, 1, -1)


# Ways to be wrong: a factor per step, a step too many, the first oracle's own precision.
BROKEN: dict[str, Tool] = {
    "1 % per step": distorted(one_percent_too_long),
    "one lag late": distorted(one_lag_late),
    "no scale": underflowing,
}


def in_bits(*args: Any, **options: Any) -> Any:
    """Lyapunov exponents as other tools have them, log2 for ln."""
    found = lyapunov(*args, **options)
    return replace(found, log_stretch=found.log_stretch / np.log(2) + 1e-3)


def smoothed(*args: Any, **options: Any) -> Any:
    """A gradient that is 1 % of a grid step off."""
    found = shattering(*args, **options)
    late = found.gradient + 0.01 * np.gradient(found.gradient)
    return replace(found, gradient=late, autocorrelation=autocorrelation(late, options["lags"]))


def mixed(f: Tool, x: torch.Tensor) -> torch.Tensor:
    """Gradients into which 5 % of their neighbours' have leaked."""
    found = input_gradient(f, x)
    return found + 0.05 * found.flip(0)


def checks() -> list[Check]:
    return [check for make in GROUPS for check in make().checks]


NAMES = [(check.name, check.source) for check in checks()]


def test_names_differ() -> None:
    assert len(set(NAMES)) == len(NAMES) > 60


@pytest.mark.parametrize("make", GROUPS, ids=lambda make: make.__name__)
def test_every_check_holds(make: Any) -> None:
    group = make()
    assert group.checks and group.lesson.endswith(".")
    assert [
        (check.name, result.deviation, result.error) for check in group.checks if not (result := check.run()).passed
    ] == []


def test_every_check_fails_with_some_broken_tool(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, unbroken = checks(), []  # the exact values are made before the tool is broken
    monkeypatch.setattr(Paths, "recurrent_skip_coefficient", 1.01)
    monkeypatch.setattr(Paths, "mean_recurrent_length", lambda self, lag: 1.01)
    monkeypatch.setattr(nets, "lyapunov", in_bits)
    monkeypatch.setattr(shattered, "shattering", smoothed)
    monkeypatch.setattr(wide, "input_gradient", mixed)
    for check in whole:
        caught = False
        for tool in BROKEN.values():
            monkeypatch.setattr(nets, "gradient_decay", tool)
            result = check.run()
            assert not result.error
            caught = caught or not result.passed
        if not caught:
            unbroken.append(check.name)
    assert unbroken == []


def test_the_laws_of_shattering_are_held_against_nets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a formula against a number: without the gradients of a net there is nothing measured."""
    laws = [check for check in checks() if check.name.endswith((": L = 1, 3, 6, 10", ": L = 4, 16, 64"))]
    state = torch.get_rng_state()
    assert [check.run().passed for check in laws] == [True, True]
    assert torch.equal(torch.get_rng_state(), state)
    monkeypatch.setattr(wide, "input_gradient", lambda f, x: torch.ones_like(x))
    assert [check.run().passed for check in laws] == [False, False]


def test_a_rate_that_is_one_percent_off_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    half_lives = [check for check in checks() if check.name.startswith("half-life, steps")]
    monkeypatch.setattr(nets, "gradient_decay", distorted(lambda log_norm: 1.01 * log_norm))
    assert len(half_lives) > 10 and not any(check.run().passed for check in half_lives)


def test_a_tool_that_raises_or_answers_nothing_fails() -> None:
    def refuse() -> float:
        raise RuntimeError("out of order")

    result = Check("name", "source", refuse, 1.0, 1e-3).run()
    assert not result.passed and result.error == "RuntimeError: out of order"
    assert not Check("name", "source", lambda: float("nan"), 1.0, 1e-3).run().passed
    assert not Check("name", "source", lambda: np.ones(2), np.ones(3), 1e-3).run().passed
    assert "shape" in Check("name", "source", lambda: np.ones(2), np.ones(3), 1e-3).run().error


@pytest.mark.parametrize(
    ("measured", "exact", "relative", "deviation"),
    [
        (1.01, 1.0, True, 0.01),
        (202.0, 200.0, True, 0.01),
        (202.0, 200.0, False, 2.0),
        (0.5, 0.0, True, 0.5),
        (-np.inf, -np.inf, True, 0.0),
        (-np.inf, 0.0, True, np.inf),
        (0.0, -np.inf, False, np.inf),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 4.0], False, 1.0),
    ],
)
def test_deviations(measured: Any, exact: Any, relative: bool, deviation: float) -> None:
    check = Check("name", "source", lambda: np.asarray(measured), np.asarray(exact), 0.1, relative)
    assert check.run().deviation == pytest.approx(deviation)

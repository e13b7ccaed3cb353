"""What the exponents refuse, with which message, and what they leave as it was."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pack_sequence

from seqskip import LSTM, RNN, SequenceModel
from seqskip.analysis import finite_time_exponents, lyapunov
from tests.analysis.nets import delayed, forgetful, kick, silence

NET = LSTM(2, 3, 2, delays=((1,), (4,)))
X = torch.randn(30, 2, 2)
QUICK = {"burn_in": 5, "frame_burn_in": 5}
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "a model of another kind": (lambda: lyapunov(nn.Linear(2, 2), X), "model must be a seqskip layer.*lyapunov"),
    "two directions": (
        lambda: lyapunov(RNN(2, 3, bidirectional=True), X),
        "lyapunov needs a layer with bidirectional=F",
    ),
    "k of 0": (lambda: lyapunov(NET, X, 0), "k must be an integer >= 1, got 0"),
    "k above the size": (lambda: lyapunov(NET, X, 31, **QUICK), "k must be at most 30, the size of the aug.*got 31"),
    "a negative burn-in": (lambda: lyapunov(NET, X, burn_in=-1), "burn_in must be an integer >= 0, got -1"),
    "no frame burn-in": (lambda: lyapunov(NET, X, frame_burn_in=None), "frame_burn_in must be an integer >= 0"),
    "every of 0": (lambda: lyapunov(NET, X, every=0), "every must be an integer >= 1, got 0"),
    "a short input": (
        lambda: lyapunov(NET, X, burn_in=20, frame_burn_in=7, every=4),
        "at least 36 time steps: 20 of burn_in, 8 of frame_burn_in and two times every=4 to measure, got 30",
    ),
    "no samples": (lambda: lyapunov(NET, X[:, :0], **QUICK), "at least one sample"),
    "features": (lambda: lyapunov(NET, X[..., :1], **QUICK), "input must have 2 features"),
    "a dtype": (lambda: lyapunov(NET, X.double(), **QUICK), "dtype torch.float32, got torch.float64"),
    "no tensor": (lambda: lyapunov(NET, [1.0], **QUICK), "input must be a tensor"),
    "a packed sequence": (lambda: lyapunov(NET, pack_sequence([X[:, 0]]), **QUICK), "got PackedSequence"),
    "a long every": (
        lambda: lyapunov(delayed({1: torch.diag(torch.tensor([1.0, 1e-9]))}), silence(40, 2), 2, **QUICK, every=4),
        "got every=4, after which one has vanished among the others at time step 8; use every=1",
    ),
    "a lag of 0": (lambda: finite_time_exponents(NET, X, 0), "lag must be an integer >= 1, got 0"),
    "a lag above T": (lambda: finite_time_exponents(NET, X, 31), "at least lag=31 time steps, got 30"),
    "a window's k": (lambda: finite_time_exponents(NET, X, 5, 31), "k must be at most 30"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused(name: str) -> None:
    call, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("measure", [lambda *a: lyapunov(*a, **QUICK), lambda *a: finite_time_exponents(*a, 4)])
@pytest.mark.parametrize("step", [2, 8, 12])
def test_nan_is_named_with_its_layer_and_time_step(measure: Callable[..., Any], step: int) -> None:
    x = X.clone()
    x[step, 1, 0] = torch.nan
    with pytest.raises(ValueError, match=f"got NaN or inf in layer l0 from time step {step} on"):
        measure(NET, x)


def test_an_exploding_net_is_named_with_its_layer_and_time_step() -> None:
    net = RNN(1, 1, 2, nonlinearity="relu", bias=False, dtype=torch.float64)
    with torch.no_grad():
        for weight in net.parameters():
            weight.fill_(1)
        net.weight_hh_l1.fill_(1e30)
    with pytest.raises(ValueError, match="in layer l1 from time step 11 on"):
        lyapunov(net, kick(torch.ones(1, 1, dtype=torch.float64), 40), **QUICK)


def test_tangents_that_overflow_between_two_qrs_are_refused() -> None:
    with pytest.raises(ValueError, match=r"tangents must be finite, .* with every=20; use every=1"):
        lyapunov(delayed({1: 1e20}), silence(70), every=20, **QUICK)


def test_nothing_of_the_model_is_touched() -> None:
    model = SequenceModel(LSTM(3, 4, 2, dropout=0.5), output_size=2, num_embeddings=7)
    tokens = torch.randint(7, (2, 30))
    random = torch.get_rng_state()
    one, other = lyapunov(model, tokens, 2, **QUICK), lyapunov(model.eval(), tokens, 2, **QUICK)
    finite_time_exponents(model, tokens, 10, 2)
    assert (one.log_stretch == other.log_stretch).all()  # dropout is off in train mode too
    assert torch.equal(random, torch.get_rng_state()) and all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_modes_of_torch_change_nothing(mode: Callable[[], Any]) -> None:
    expected = lyapunov(NET, X, 3, **QUICK), finite_time_exponents(NET, X, 6, 3)
    with mode():
        found = lyapunov(NET, X.clone(), 3, **QUICK), finite_time_exponents(NET, X.clone(), 6, 3)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        cast = lyapunov(NET, X, 3, **QUICK)
    assert (found[0].log_stretch == expected[0].log_stretch).all() and (found[1].windows == expected[1].windows).all()
    assert (cast.log_stretch == expected[0].log_stretch).all()


def test_the_text_says_units_errors_and_sizes() -> None:
    found = lyapunov(forgetful(1, 0.0), silence(40), 2, **QUICK)
    first, one, two = str(found).splitlines()
    assert first == "2 of 2 Lyapunov exponents, nats per step (samples: 1, steps: 30)"
    assert re.fullmatch(r" +1  -0\.693147 ± 0\.000000", one) and re.fullmatch(r" +2  -inf ± 0\.000000", two)

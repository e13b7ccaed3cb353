"""The starts of weights against mathematics: orthogonal gates, states that stay, gates that forget when they should."""

import math
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import GRU, LSTM, RNN
from seqskip.analysis import gradient_decay
from seqskip.cells import COMBINE
from seqskip.init import Chrono, ForgetBias
from seqskip.layers import TorchLayer
from tests.found import Variant
from tests.strategies import as_parts, delay_sets, few, fractions, multiples, seeds

KEPT = {LSTM: 1, GRU: 1}  # the place of the gate that keeps: i, f, g, o and r, z, n


@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize("delays", [(1,), (3,), (1, 4), (1, 2, 8)], ids=str)
def test_orthogonal_start(variant: Variant, delays: tuple[int, ...], combine: str) -> None:
    layer = variant.build(
        3, 5, 2, delays=delays, combine=combine, residual="add", init="orthogonal", dtype=torch.float64
    )
    eye, count = torch.eye(5, dtype=torch.float64), len(delays) if combine == "sum" else 1
    for weight in (layer.weight_hh_l0, layer.weight_hh_l1):
        for gate in weight.split(5):
            torch.testing.assert_close(gate @ gate.T, eye, rtol=0, atol=1e-12)
            for matrix in gate.split(5, 1):
                torch.testing.assert_close(matrix @ matrix.T, eye / count, rtol=0, atol=1e-12)
    _assert_fills(layer.weight_ih_l1, 5**-0.5)


def test_orthogonal_start_of_a_projected_state() -> None:
    layer = LSTM(3, 5, proj_size=2, delays=(1, 4), init="orthogonal", dtype=torch.float64)
    for gate in layer.weight_hh_l0.split(5):  # [U_1 U_4], each (H, P)
        for matrix in gate.split(2, 1):
            torch.testing.assert_close(matrix.T @ matrix, torch.eye(2, dtype=torch.float64) / 2, rtol=0, atol=1e-12)


def _assert_fills(weight: Tensor, bound: float) -> None:
    assert weight.abs().max() <= bound
    assert weight.max() > 0.7 * bound
    assert weight.min() < -0.7 * bound


def test_torch_start_fills_its_bounds(variant: Variant) -> None:
    layer = variant.build(4, 100, 2, delays=(1, 4), residual="add")
    for name, weight in layer.named_parameters():
        _assert_fills(weight, 1 / 2 if "residual" in name else 1 / 10)


GATES_OF_TF1 = {"RNN": ((0,),), "LSTM": ((0, 1, 0, 0),), "GRU": ((1, 1), (0,))}


def test_tf1_start(variant: Variant) -> None:
    layer = variant.build(30, 100, delays=(1, 4), init="tf1")
    row = 0
    for starts in GATES_OF_TF1[variant.layer_type.__name__]:
        rows = slice(row, row + 100 * len(starts))
        bound = (6 / (30 + 2 * 100 + 100 * len(starts))) ** 0.5  # a matrix [W U_1 U_4] of so many gates
        _assert_fills(layer.weight_ih_l0[rows], bound)
        _assert_fills(layer.weight_hh_l0[rows], bound)
        assert layer.bias_ih_l0[rows].view(-1, 100).mean(1).tolist() == list(starts)
        row = rows.stop
    assert row == len(layer.bias_ih_l0) and not layer.bias_hh_l0.any()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64], ids=str)
@pytest.mark.parametrize("nonlinearity", ["relu", "tanh"])
def test_identity_start(nonlinearity: str, dtype: torch.dtype) -> None:
    layer = RNN(300, 50, nonlinearity=nonlinearity, delays=(1, 2, 5, 9), init="identity", dtype=dtype)
    eye = torch.eye(50, dtype=dtype)
    assert all(torch.equal(matrix, eye / 4) for matrix in layer.weight_hh_l0.split(50, 1))
    assert not layer.bias_ih_l0.any() and not layer.bias_hh_l0.any()
    drawn = layer.weight_ih_l0.double()
    assert abs(drawn.mean()) < 5e-5 and abs(drawn.std() - 0.001) < 5e-5  # of 15,000 numbers: 6 standard errors
    assert drawn.abs().max() > 0.0033  # beyond what a uniform distribution with that deviation reaches


@few
@given(st.data())
def test_an_identity_net_of_relu_keeps_a_state(data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    options = {"delays": data.draw(multiples | fractions), "combine": data.draw(st.sampled_from(sorted(COMBINE)))}
    layer = RNN(2, 4, nonlinearity="relu", init="identity", dtype=torch.float64, **options)
    state = torch.rand(1, 3, 4, dtype=torch.float64).expand(layer.state_shapes()[0][0], 3, 4)
    output, final = layer(torch.zeros(20, 3, 2, dtype=torch.float64), state)
    torch.testing.assert_close(output, state[:1].expand(20, 3, 4), rtol=1e-12, atol=0)
    torch.testing.assert_close(final, state, rtol=1e-12, atol=0)


@pytest.mark.parametrize("combine", ["sum", "mean"])
@pytest.mark.parametrize("delays", [(1,), (1, 4), (2, 3), (1, 2, 8), (2, 2.5)], ids=str)
def test_the_gradient_of_an_identity_net_does_not_decay(delays: tuple[float, ...], combine: str) -> None:
    layer = RNN(2, 5, nonlinearity="relu", delays=delays, combine=combine, init="identity", dtype=torch.float64)
    with torch.no_grad():
        layer.weight_ih_l0.abs_()  # so that no unit rests
    decay = gradient_decay(layer, torch.rand(400, 3, 2, dtype=torch.float64))
    assert decay.rate == pytest.approx(0, abs=1e-9) and decay.half_life > 1e6
    # The renewal theorem: of gradients that go back by one of the delays each time, so many are at one step.
    apart = decay.select(seed=0, sample=0, layer=0, answer=0)
    assert apart[-20] - apart[0] == pytest.approx(-math.log(sum(delays) / len(delays)), abs=1e-6)


@few
@given(st.data())
def test_a_gate_alone_differs_from_the_weights_under_it(data: st.DataObject) -> None:
    layer_type, init = data.draw(
        st.sampled_from([(LSTM, ForgetBias(0.5, "orthogonal")), (LSTM, Chrono(30)), (GRU, Chrono(30, "tf1"))])
    )
    options = {"delays": data.draw(delay_sets), "combine": data.draw(st.sampled_from(sorted(COMBINE)))}
    features, hidden, seed = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4)), data.draw(seeds)
    found = []
    for start in (init, init.weights):
        torch.manual_seed(seed)
        found.append(layer_type(features, hidden, init=start, **options).state_dict())
    gates = [0, 1] if layer_type is LSTM and isinstance(init, Chrono) else [1]
    for name, weight in found[0].items():
        rows = weight.split(hidden)
        if name in ("bias_ih_l0", "bias_hh_l0"):
            others = [n for n in range(len(rows)) if n not in gates]
            assert all(torch.equal(rows[n], found[1][name].split(hidden)[n]) for n in others)
        else:
            assert torch.equal(weight, found[1][name])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("value", [1.0, 0, -3.5])
def test_forget_bias_is_the_bias_in_all(value: float, dtype: torch.dtype) -> None:
    layer = LSTM(2, 5, 2, delays=(1, 3), bidirectional=True, init=ForgetBias(value), dtype=dtype)
    for bias in (f"l{n}{suffix}" for n in (0, 1) for suffix in ("", "_reverse")):
        in_all = layer.get_parameter(f"bias_ih_{bias}") + layer.get_parameter(f"bias_hh_{bias}")
        assert in_all[5:10].tolist() == [value] * 5


def distance(times: Tensor, least: float, most: float) -> float:
    """Return √n times the Kolmogorov-Smirnov distance of n numbers from U(least, most); above 3 once in 30 million."""
    place = (times.double().sort().values - least) / (most - least)
    n = len(place)
    steps = torch.arange(n + 1) / n
    return float(n**0.5 * torch.maximum((place - steps[:-1]).abs(), (place - steps[1:]).abs()).max())


def in_all(layer: TorchLayer, gate: int) -> Tensor:
    rows = slice(gate * layer.hidden_size, (gate + 1) * layer.hidden_size)
    return (layer.bias_ih_l0 + layer.bias_hh_l0)[rows].detach()


@pytest.mark.parametrize("made", [LSTM, GRU])
@few
@given(st.data())
def test_chrono_gates_forget_over_times_up_to_the_longest(made: type[TorchLayer], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    delays = data.draw(multiples | fractions)
    mean = sum(delays) / len(delays)
    longest = data.draw(st.floats(2, 3000))
    layer = made(1, 100, delays=delays, init=Chrono(longest), dtype=torch.float64)
    keeping = in_all(layer, KEPT[made])
    if made is LSTM:
        assert torch.equal(in_all(layer, 0), -keeping)
    times = mean / (1 - torch.sigmoid(keeping))
    if longest <= 2 * mean:
        assert torch.equal(keeping, torch.zeros(100, dtype=torch.float64))
    else:
        assert 2 * mean * (1 - 1e-6) <= times.min() and times.max() <= longest * (1 + 1e-6)
        assert distance(times, 2 * mean, longest) < 3


def test_chrono_in_half_precision_and_over_many_units() -> None:
    for dtype in (torch.float16, torch.float32):
        times = 1 + in_all(LSTM(1, 1000, init=Chrono(1000), dtype=dtype, combine="mean", num_layers=1), 1).float().exp()
        assert distance(times, 2, 1000) < 3


def only_its_gates(layer: TorchLayer) -> None:
    """Leave of the weights the biases of the gates alone: nothing is read, and the candidates g and n are 0."""
    candidate = slice(2 * layer.hidden_size, 3 * layer.hidden_size)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            (weight[candidate] if name.startswith("bias") else weight).zero_()


def mean_age(numbers: Sequence[Tensor]) -> Tensor:
    """Return Σ_t t s_t / Σ_t s_t, t = 0, 1, ...: how long ago what a state holds was written, on average."""
    states = torch.stack(tuple(numbers))
    t = torch.arange(len(states), dtype=states.dtype).unsqueeze(1)
    return (t * states).sum(0) / states.sum(0)


@pytest.mark.parametrize("made", [LSTM, GRU])
@pytest.mark.parametrize("delays", [(1,), (3,), (1, 4), (2, 4), (1, 2.5)], ids=str)
def test_states_of_chrono_decay_as_asked_for(made: type[TorchLayer], delays: tuple[float, ...]) -> None:
    longest, mean = 30, sum(delays) / len(delays)
    layer: Any = made(1, 200, delays=delays, init=Chrono(longest), dtype=torch.float64)
    only_its_gates(layer)
    state = [torch.zeros(rows, 1, width, dtype=torch.float64) for rows, width in layer.state_shapes()]
    state[-1][-1] = 1  # one impulse in c of the LSTM, in h of the GRU, at t = 0
    held, line = [state[-1][-1, 0]], tuple(state)
    with torch.no_grad():
        for _ in range(60 * longest):
            _, line = layer.step(torch.zeros(1, 1, dtype=torch.float64), line)
            held.append(as_parts(line)[-1][-1, 0])
    if delays == (1,):
        torch.testing.assert_close(torch.stack(held[1:5]), torch.stack([(held[1]) ** n for n in range(1, 5)]))
    times = mean + mean_age(held)  # of a geometric series f^n, 1 / (1 - f)
    assert 2 * mean * (1 - 1e-6) < times.min() and times.max() < longest * (1 + 1e-6)
    assert distance(times, 2 * mean, longest) < 3

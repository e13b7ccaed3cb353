"""What RNN, LSTM and GRU may have beyond torch.nn's, held against numpy, torch.nn, and what chance must give."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import GRU, LSTM, RNN
from seqskip.cells import ExtendedCell
from seqskip.layers import TorchLayer
from tests.literature.written_out import Array, Now, Parts, run, sigmoid
from tests.strategies import as_parts, few, inputs, multiples, seeds

KINDS = [RNN, LSTM, GRU]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


def normalised(a: Array, weight: Array | None) -> Array:
    return a if weight is None else weight * (a - a.mean()) / np.sqrt(a.var() + 1e-5)


def products(now: Now, mask: Array | float) -> tuple[Array, Array]:
    """Return the products of input and state, normalised where there are weights for it."""
    w, read = now.weights, np.concatenate([now.ago(d)[0] * mask for d in now.delays])
    of_input = normalised(w["weight_ih"] @ now.x, w.get("weight_norm_ih"))
    return of_input, normalised(w["weight_hh"] @ read, w.get("weight_norm_hh"))


def rnn(now: Now, mask: Array | float) -> Parts:
    p, q = products(now, mask)
    return (np.tanh(p + q + now.weights["bias_ih"] + now.weights["bias_hh"]),)


def lstm(now: Now, mask: Array | float) -> Parts:
    w, (p, q) = now.weights, products(now, mask)
    i, f, g, o = np.split(p + q + w["bias_ih"] + w["bias_hh"], 4)
    c = sigmoid(f) * now.mean()[1] + sigmoid(i) * np.tanh(g)
    shown = normalised(c, w["weight_norm_c"]) + w["bias_norm_c"] if "weight_norm_c" in w else c
    h = sigmoid(o) * np.tanh(shown)
    return w["weight_hr"] @ h if "weight_hr" in w else h, c


def gru(now: Now, mask: Array | float) -> Parts:
    p, q = products(now, mask)
    p_r, p_z, p_n = np.split(p + now.weights["bias_ih"], 3)
    q_r, q_z, q_n = np.split(q + now.weights["bias_hh"], 3)
    z, n = sigmoid(p_z + q_z), np.tanh(p_n + sigmoid(p_r + q_r) * q_n)
    return (z * now.mean()[0] + (1 - z) * n,)


STEPS = {RNN: rnn, LSTM: lstm, GRU: gru}


def zoned(now: Now, made: Parts) -> Parts:
    shares = now.options["zoneout"] or (0.0,) * len(made)
    return tuple(k * old + (1 - k) * new for k, old, new in zip(shares, now.mean(), made, strict=True))


def build(kind: type[TorchLayer], data: st.DataObject, **options: Any) -> TorchLayer:
    torch.manual_seed(data.draw(seeds))
    layer = kind(2, 4, delays=data.draw(multiples), dtype=torch.float64, **options)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(std=0.7)
    return layer


@st.composite
def extras(draw: st.DrawFn, kind: type[TorchLayer]) -> dict[str, Any]:
    parts = len(kind.cell_type.state_names)
    zoneout = st.just(0.0) | st.floats(0, 1) | st.lists(st.floats(0, 1), min_size=parts, max_size=parts)
    found: dict[str, Any] = {"layer_norm": draw(st.booleans()), "zoneout": draw(zoneout)}
    return found | ({"proj_size": draw(st.integers(0, 3))} if kind is LSTM else {})


@every_kind
@few
@given(st.data())
def test_layer_equals_its_equations_in_numpy(kind: type[TorchLayer], data: st.DataObject) -> None:
    layer = build(kind, data, **data.draw(extras(kind)), recurrent_dropout=0.5).eval()
    x, state = data.draw(inputs(layer))
    output, final = layer(x, state)
    options = {"zoneout": (), **layer.cell_options}

    def step(now: Now) -> Parts:
        now = Now(now.weights, options, now.x, now.states, now.delays)
        return zoned(now, STEPS[kind](now, 1.0))

    expected = run(step, layer, x.numpy(), tuple(part.numpy() for part in state))
    depth = len(state[0])
    np.testing.assert_allclose(output.detach(), expected[0][depth:], rtol=1e-11, atol=1e-11)
    for part, numbers in zip(as_parts(final), expected, strict=True):
        np.testing.assert_allclose(part.detach(), numbers[-depth:], rtol=1e-11, atol=1e-11)


@every_kind
@pytest.mark.parametrize("backend", ["reference", "fold"])
@few
@given(st.data())
def test_one_mask_acts_at_all_steps(kind: type[TorchLayer], backend: str, data: st.DataObject) -> None:
    layer = build(kind, data, recurrent_dropout=0.5, backend=backend)
    x, state = data.draw(inputs(layer))
    seed = data.draw(seeds)
    torch.manual_seed(seed)
    cell = layer.blocks()[0].drawn(x.size(1)).forward.cell
    assert isinstance(cell, ExtendedCell) and cell.mask is not None
    torch.manual_seed(seed)
    output, _ = layer(x, state)
    for b in range(x.size(1)):

        def step(now: Now, b: int = b, cell: Any = cell) -> Parts:
            return STEPS[kind](now, cell.mask.value[b].numpy())

        one = tuple(part[:, b : b + 1].numpy() for part in state)
        expected = run(step, layer, x[:, b : b + 1].numpy(), one)[0][len(one[0]) :]
        np.testing.assert_allclose(output[:, b : b + 1].detach(), expected, rtol=1e-11, atol=1e-11)


@every_kind
@pytest.mark.parametrize(
    "options", [{"layer_norm": True}, {"zoneout": 0.3}, {"layer_norm": True, "zoneout": 0.2}], ids=str
)
def test_gradients_are_those_of_the_values(kind: type[TorchLayer], options: dict[str, Any]) -> None:
    layer = kind(2, 3, delays=(1, 3), dtype=torch.float64, **options).eval()
    names, x = [name for name, _ in layer.named_parameters()], torch.randn(4, 2, 2, dtype=torch.float64)

    def answer(x: Tensor, *weights: Tensor) -> Tensor:
        output: Tensor = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))[0]
        return output

    assert torch.autograd.gradcheck(answer, (x.requires_grad_(), *layer.parameters()))


@every_kind
def test_zoneout_keeps_units_as_they_were(kind: type[TorchLayer]) -> None:
    layer = kind(2, 50, delays=2, zoneout=0.3)
    x, state = torch.randn(1, 40, 2), torch.randn(2, 40, 50)
    given: Any = (state, state) if kind is LSTM else state
    output, _ = layer(x, given)
    kept = output[0] == state[0]
    assert float(kept.float().mean()) == pytest.approx(0.3, abs=0.03)
    made = kind(2, 50, delays=2)
    made.load_state_dict(layer.state_dict())
    torch.testing.assert_close(output[0][~kept], made(x, given)[0][0][~kept])


def test_h_and_c_have_zoneouts_of_their_own() -> None:
    layer = LSTM(2, 50, zoneout=(0.0, 1.0))
    h, c = torch.randn(1, 4, 50), torch.randn(1, 4, 50)
    output, (_, c_n) = layer(torch.randn(3, 4, 2), (h, c))
    assert torch.equal(c_n, c) and not (output == h).any()


@every_kind
def test_dropped_weights_are_dropped_for_a_call_and_never_for_good(kind: type[TorchLayer]) -> None:
    layer = kind(2, 30, weight_dropout=0.4, delays=(1, 3))
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    cell = layer.blocks()[0].drawn(4).forward.cell.weights["weight_hh"]
    gone = cell == 0
    assert float(gone.float().mean()) == pytest.approx(0.4, abs=0.05)
    torch.testing.assert_close(cell[~gone], layer.weight_hh_l0[~gone] / 0.6)
    x = torch.randn(6, 4, 2)
    assert not torch.equal(layer(x)[0], layer(x)[0])
    layer(x)[0].sum().backward()
    assert all(torch.equal(weight, before[name]) for name, weight in layer.state_dict().items())
    plain = kind(2, 30, delays=(1, 3))
    plain.load_state_dict(before)
    torch.testing.assert_close(layer.eval()(x)[0], plain(x)[0])


@every_kind
def test_weight_dropout_and_evaluation_run_on_the_fast_engines(kind: type[TorchLayer]) -> None:
    layer = kind(2, 3, weight_dropout=0.5, recurrent_dropout=0.5)
    assert layer.engines()[0][0] == "reference" and "with recurrent_dropout" in layer.engines()[0][1]
    assert layer.eval().engines()[0][0] != "reference"
    assert kind(2, 3, weight_dropout=0.5).engines()[0][0] != "reference"


def test_variational_dropout_drops_a_feature_at_all_steps() -> None:
    layer = RNN(2, 40, 2, variational_dropout=0.3, residual="dense")
    torch.manual_seed(5)
    below = layer(torch.randn(6, 10, 2))[0][..., 2:42]
    gone = below == 0
    assert torch.equal(gone, gone[:1].expand_as(gone))
    assert float(gone.float().mean()) == pytest.approx(0.3, abs=0.06)
    assert not (layer.eval()(torch.randn(6, 10, 2))[0] == 0).any()

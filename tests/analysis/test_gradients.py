"""gradient_decay against plain autograd on the unrolled graph, and what it leaves untouched."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.analysis import gradient_decay
from seqskip.cells import COMBINE
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import few, inputs, layers
from tests.unrolled import log_norms

STEPS, AT = 44, 37  # more than two of the pieces the adjoint goes back by, and an answer in the middle


def parts(variant: Variant) -> list[str]:
    names = variant.layer_type.cell_type.state_names
    return ["h", "state", "pre", "x", *names[1:]]


def assert_equals_autograd(model: Any, x: Tensor, at: int, wrt: str, **loss: Any) -> None:
    measured = gradient_decay(model, x, at, wrt=wrt, **loss).select(seed=0, answer=0)
    expected = log_norms(model, x, at, wrt, **loss).numpy()
    assert measured.shape == expected.shape
    np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("combine", sorted(COMBINE))
@pytest.mark.parametrize("residual", [None, "add"])
@pytest.mark.parametrize("delays", [1, ((1, 20), (6,), (3, 9)), ((40,), 17, (1, 2, 3))], ids=str)
def test_every_layer_and_lag(variant: Variant, delays: Any, residual: str | None, combine: str) -> None:
    layer = variant.build(
        2, 4, 3, delays=delays, residual=residual, combine=combine, init="orthogonal", dtype=torch.float64
    )
    x = torch.randn(STEPS, 3, 2, dtype=torch.float64)
    for wrt in parts(variant):
        assert_equals_autograd(layer, x, AT, wrt)


@few
@given(st.data())
def test_any_layer_and_step(variant: Variant, data: st.DataObject) -> None:
    layer = data.draw(layers(variant))
    x, _ = data.draw(inputs(layer))
    at = data.draw(st.integers(0, len(x) - 1))
    assert_equals_autograd(layer, x, at, data.draw(st.sampled_from(parts(variant))))


@pytest.mark.parametrize("readout", ["last", "every", "fused"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_a_whole_model_and_a_loss_of_its_own(variant: Variant, batch_first: bool, readout: str) -> None:
    core = variant.build(3, 4, 2, delays=((2,), (1, 4)), batch_first=batch_first, dtype=torch.float64)
    model = SequenceModel(core, num_embeddings=5, output_size=2, readout=readout)
    tokens, target = torch.randint(5, (3, 20)), torch.randn(3, 2, dtype=torch.float64)
    assert_equals_autograd(model, tokens, 19, "h", loss=lambda answer: (answer - target).square().mean())


def test_steps_count_from_the_end_too_and_later_input_does_not_matter(variant: Variant) -> None:
    layer = variant.build(2, 4, delays=(1, 3), dtype=torch.float64)
    x = torch.randn(20, 3, 2, dtype=torch.float64)
    middle = gradient_decay(layer, x, 12).log_norm
    assert middle.shape == (1, 1, 3, 1, 13)
    np.testing.assert_array_equal(gradient_decay(layer, x, -8).log_norm, middle)
    np.testing.assert_array_equal(gradient_decay(layer, x[:13]).log_norm, middle)


def test_layouts_give_the_same_numbers(variant: Variant) -> None:
    layer = variant.build(2, 4, 2, delays=(1, 3), dtype=torch.float64)
    x = torch.randn(9, 1, 2, dtype=torch.float64)
    expected = gradient_decay(layer, x).log_norm
    np.testing.assert_array_equal(gradient_decay(layer, x.squeeze(1)).log_norm, expected)
    layer.batch_first = True
    np.testing.assert_array_equal(gradient_decay(layer, x.transpose(0, 1)).log_norm, expected)


def test_float32_model_is_measured_to_its_rounding(variant: Variant) -> None:
    layer, x = variant.build(2, 4, 2, delays=(1, 3), residual="add"), torch.randn(30, 3, 2)
    single = gradient_decay(layer, x).log_norm
    double = gradient_decay(layer.double(), x.double()).log_norm
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-4)


def test_nothing_is_touched(variant: Variant) -> None:
    core = variant.build(2, 4, 2, delays=(1, 3), dropout=0.5, residual="add")
    model = SequenceModel(core, input_size=3, output_size=1)
    model.register_buffer("count", torch.ones(1))
    for weight in model.parameters():
        weight.grad = torch.full_like(weight, 7)
    core.weight_ih_l1.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    x, random_state = torch.randn(5, 9, 3, requires_grad=True), torch.get_rng_state()
    gradient_decay(model, x)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert x.grad is None
    assert all(torch.equal(weight.grad, torch.full_like(weight, 7)) for weight in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert [name for name, w in model.named_parameters() if not w.requires_grad] == ["core.weight_ih_l1"]
    assert all(module.training for module in model.modules())


def test_the_model_is_measured_in_the_mode_that_it_is_in(variant: Variant) -> None:
    layer, x = variant.build(2, 4, 3, dropout=0.5), torch.randn(9, 3, 2)
    evaluating = gradient_decay(layer.eval(), x).log_norm
    without = variant.build(2, 4, 3)
    without.load_state_dict(layer.state_dict())
    np.testing.assert_array_equal(evaluating, gradient_decay(without.train(), x).log_norm)
    training = gradient_decay(layer.train(), x).log_norm
    assert not np.array_equal(training, evaluating)
    np.testing.assert_array_equal(gradient_decay(layer, x).log_norm, training)  # the same random numbers again


def test_torchs_layers_are_measured_like_ours(variant: Variant) -> None:
    theirs, x = variant.build_torch(2, 4, 2, dtype=torch.float64), torch.randn(20, 3, 2, dtype=torch.float64)
    ours = variant.build(2, 4, 2, dtype=torch.float64)
    ours.load_state_dict(theirs.state_dict())
    for wrt in parts(variant):
        assert_equals_autograd(ours, x, 15, wrt)
        np.testing.assert_array_equal(
            gradient_decay(theirs, x, 15, wrt=wrt).log_norm, gradient_decay(ours, x, 15, wrt=wrt).log_norm
        )


def test_a_loss_is_a_function() -> None:
    with pytest.raises(ValueError, match=r"^loss must be a function of the answer, such as torch.sum, got 'mean'"):
        gradient_decay(RNN(2, 3), torch.randn(5, 1, 2), loss="mean")


def test_an_infinite_input_is_refused_though_gates_hide_it(layer_type: type[Recurrent]) -> None:
    x = torch.randn(9, 2, 3)
    x[4, 1, 2] = torch.inf
    with pytest.raises(ValueError, match=r"^states must be finite .*from time step 4 on, first in layer l0"):
        gradient_decay(layer_type(3, 2, 2), x)


def test_states_that_only_float64_holds_are_refused() -> None:
    # h_t = 100 h_{t-1}: beyond float32 after some twenty steps, and there the model's answer is NaN.
    x = torch.ones(30, 2, 1)
    for dtype in (torch.float32, torch.float64):
        layer = RNN(1, 2, nonlinearity="relu", bias=False, dtype=dtype)
        with torch.no_grad():
            layer.weight_ih_l0.fill_(1)
            layer.weight_hh_l0.copy_(100 * torch.eye(2))
        if dtype == torch.float32:
            with pytest.raises(ValueError, match=r"^states must be finite .*from time step 20 on, first in layer l0"):
                gradient_decay(layer, x)
        else:
            decay = gradient_decay(layer, x.double())
            np.testing.assert_allclose(decay.log_norm[0, 0, 0, 0], math.log(2) / 2 + np.arange(30) * math.log(100))


def test_an_unknown_part_is_refused() -> None:
    x = torch.zeros(5, 1, 2)
    with pytest.raises(ValueError, match=r"^wrt must be one of h, c, state, pre, x, got 'cell'"):
        gradient_decay(LSTM(2, 3), x, wrt="cell")
    with pytest.raises(ValueError, match=r"^wrt must be one of h, state, pre, x, got 'c'"):
        gradient_decay(GRU(2, 3), x, wrt="c")
    with pytest.raises(ValueError, match=r"^wrt .* got 'State'; did you mean 'state'\?"):
        gradient_decay(RNN(2, 3), x, wrt="State")


def test_other_models_and_inputs_are_refused(layer_type: type[Recurrent]) -> None:
    with pytest.raises(ValueError, match=r"^model must hold recurrent layers.*got Linear"):
        gradient_decay(nn.Linear(2, 3), torch.zeros(5, 1, 2))
    with pytest.raises(ValueError, match=r"^input must have 2 features .*got \(5, 1, 4\)"):
        gradient_decay(layer_type(2, 3), torch.zeros(5, 1, 4))


def test_states_that_are_no_numbers_are_refused(variant: Variant) -> None:
    layer, x = variant.build(2, 3, 2, delays=(2, 4)), torch.zeros(9, 2, 2)
    x[5, 1] = torch.nan
    with pytest.raises(ValueError, match=r"finite.* from time step 5 on"):
        gradient_decay(layer, x)
    assert np.isfinite(gradient_decay(layer, x, 4).select(layer=-1, lag=0)).all()  # before that step all is well


@pytest.mark.parametrize("around", [torch.inference_mode, torch.no_grad, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_measuring_does_not_depend_on_the_mode_around_it(around: Any) -> None:
    net, x = GRU(2, 3, delays=(1, 2)), torch.randn(7, 2, 2)
    expected = gradient_decay(net, x).log_norm
    with around():
        inside = gradient_decay(net, x * 1).log_norm
    np.testing.assert_array_equal(inside, expected)


@pytest.mark.parametrize(
    "loss",
    [
        lambda answer: answer,
        lambda answer: torch.ones(()),
        lambda answer: 1.0,
        lambda answer: torch.ones((), requires_grad=True),
    ],
)
def test_a_loss_must_be_a_scalar_that_depends_on_the_answer(loss: Any) -> None:
    with pytest.raises(ValueError, match="loss must return a scalar tensor that depends on the answer"):
        gradient_decay(GRU(2, 3), torch.randn(7, 2, 2), loss=loss)

"""Bounds are bounds, tight where nothing cancels; gate products are the whole where nothing else is there."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import seqskip
from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.analysis import gradient_decay
from seqskip.analysis.bounds import stack_path_bound, theory
from seqskip.analysis.norms import Directional, Exact, LossNorm, Norm
from seqskip.analysis.subject import Subject
from seqskip.cells.combine import Delayed
from seqskip.recurrent import Recurrent
from tests.found import Variant
from tests.strategies import few, inputs, layers

NORMS: list[Norm] = [LossNorm(torch.sum), Directional(torch.sum), Exact(True), Exact(False)]
RNNS = [Variant(RNN, {"nonlinearity": name}) for name in ("tanh", "relu")]


def measured_and_theory(model: nn.Module, x: torch.Tensor, norm: Norm, wrt: str, step: int) -> tuple[np.ndarray, ...]:
    subject = Subject.of(model, x)
    found = theory(subject, norm, wrt, [step], torch.sum)
    assert found is not None
    (logs,) = norm.measure(subject, wrt, [step])
    return tuple(torch.stack([one[: step + 1] for one in each]).numpy() for each in (logs.log_norm, found.log_norm[0]))


@pytest.mark.parametrize("norm", NORMS, ids=lambda norm: type(norm).__name__)
@pytest.mark.parametrize("rnn", RNNS, ids=str)
@few
@given(st.data())
def test_no_gradient_passes_the_path_bound(rnn: Variant, norm: Norm, data: st.DataObject) -> None:
    core = data.draw(layers(rnn, combine=data.draw(st.sampled_from(["mean", "sum"]))))
    x, _ = data.draw(inputs(core))
    step = data.draw(st.integers(0, len(x) - 1))
    measured, bound = measured_and_theory(core, x, norm, data.draw(st.sampled_from(["h", "state", "pre", "x"])), step)
    assert measured.shape == bound.shape
    assert (measured <= bound + 1e-9).all()


@pytest.mark.parametrize("residual", [None, "add"])
@pytest.mark.parametrize("wrt", ["h", "pre", "x"])
def test_the_bound_is_reached_where_nothing_cancels(residual: str | None, wrt: str) -> None:
    core = RNN(1, 1, 3, bias=False, delays=((1, 3), (2,), (4, 5)), residual=residual, nonlinearity="relu").double()
    for weight in core.parameters():
        nn.init.uniform_(weight, 0.2, 0.9)
    model = SequenceModel(core, input_size=1, output_size=1).double()
    x = torch.rand(2, 60, 1, dtype=torch.float64) + 0.1
    for norm in NORMS[:1]:
        measured, bound = measured_and_theory(model, x, norm, wrt, 57)
        np.testing.assert_allclose(measured, bound, rtol=0, atol=1e-9)
    for norm in NORMS[1:]:
        measured, bound = measured_and_theory(core, x.transpose(0, 1), norm, wrt, 57)
        np.testing.assert_allclose(measured, bound, rtol=0, atol=1e-9)


def test_there_is_no_bound_for_an_answer_that_reads_several_outputs() -> None:
    core = RNN(1, 2, delays=3, dtype=torch.float64)
    for readout, window in (("last", 1), ("fused", 3)):
        model = SequenceModel(core, input_size=1, output_size=1, readout=readout)
        subject = Subject.of(model, torch.randn(2, 9, 1, dtype=torch.float64))
        assert (theory(subject, NORMS[0], "h", [8], torch.sum) is None) == (window > 1)


def test_dropout_is_in_the_bound() -> None:
    core = RNN(2, 4, 3, delays=(1, 3), dropout=0.5, residual="add").double().train()
    measured, bound = measured_and_theory(core, torch.randn(30, 8, 2, dtype=torch.float64), NORMS[0], "h", 29)
    assert (measured <= bound + 1e-9).all()


@pytest.mark.parametrize("gated", [LSTM, GRU])
@pytest.mark.parametrize("delays", [1, (3,), (1, 4)], ids=str)
def test_gates_alone_are_all_where_the_recurrent_matrices_are_zero(gated: type[Recurrent], delays: object) -> None:
    core = gated(2, 3, 2, delays=delays, residual="add", dtype=torch.float64)
    with torch.no_grad():
        core.weight_hh_l0.zero_()
        core.weight_hh_l1.zero_()
    x = torch.randn(25, 2, 2, dtype=torch.float64)
    for norm in NORMS:
        measured, product = measured_and_theory(core, x, norm, "state", 20)
        np.testing.assert_allclose(measured, product, rtol=0, atol=1e-9)


def test_the_forget_gate_product_of_one_layer() -> None:
    layer, x = LSTM(2, 3, dtype=torch.float64), torch.randn(25, 1, 2, dtype=torch.float64)
    with torch.no_grad():
        cell, states = layer.cell(0), [tuple(torch.zeros(1, 3, dtype=torch.float64) for _ in "hc")]
        forget = []
        for x_t in x:
            past = Delayed("sum", [states[-1]])
            forget.append(torch.sigmoid(cell.preactivation(cell.project(x_t), past).chunk(4, -1)[1]))
            states.append(cell.update(cell.project(x_t), past))
    products = [torch.stack([torch.ones(1, 3, dtype=torch.float64), *forget[25 - n :]]).prod(0) for n in range(25)]
    _, found = measured_and_theory(layer, x, Exact(True), "c", 24)
    np.testing.assert_allclose(found[0, ::-1, 0], [product.max().log() for product in products], rtol=0, atol=1e-9)


def test_there_is_no_theory_for_mixed_models_or_other_engines() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.below, self.above = RNN(2, 3), LSTM(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.above(self.below(x)[0])[0]

    x = torch.randn(9, 2, 2)
    assert theory(Subject.of(Mixed(), x), NORMS[0], "h", [8], torch.sum) is None
    with seqskip.backend("reference"):
        assert theory(Subject.of(LSTM(2, 3), x), NORMS[0], "h", [8], torch.sum) is None


def test_the_bound_of_another_cell_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^model must be a stack of RNN layers .*got GRUCell"):
        stack_path_bound(GRU(2, 3), 10)
    assert gradient_decay(GRU(2, 3), torch.zeros(5, 1, 2)).log_norm.shape[-1] == 5


def test_beside_the_h_of_an_lstm_stands_what_its_cell_state_keeps() -> None:
    layer, x = LSTM(2, 3), torch.randn(30, 2, 2)
    beside_h, beside_c = (gradient_decay(layer, x, wrt=wrt, theory=True).log_bound for wrt in ("h", "c"))
    assert beside_h is not None and np.isfinite(beside_h[..., 1:]).all()  # of h_T and c_T the loss reads h_T alone
    np.testing.assert_array_equal(beside_h, beside_c)


@pytest.mark.parametrize(
    "options",
    [
        {"delays": (1, 2.5, 4), "combine": "learned", "residual": "add"},
        {"delays": ((1, 2.5), (1.25,), (2, 3)), "combine": "sum"},
        {"delays": (1, 2.5), "combine": "mean", "hidden_size": (4, 5, 6), "residual": "add", "projection": "zeros"},
    ],
    ids=str,
)
def test_what_delays_share_is_in_the_bound(options: dict[str, Any]) -> None:
    core = RNN(4, num_layers=3, **({"hidden_size": 4} | options), dtype=torch.float64)
    x = torch.randn(25, 2, 4, dtype=torch.float64)
    for norm in NORMS:
        for wrt in ("h", "x"):
            measured, bound = measured_and_theory(core, x, norm, wrt, 24)
            assert (measured <= bound + 1e-9).all()
    linear = RNN(4, 4, delays=(1, 2.5), combine="sum", nonlinearity="relu", bias=False, dtype=torch.float64)
    with torch.no_grad():  # all positive: every relu is on, and the bound of a multiple of one matrix is reached
        linear.weight_ih_l0.fill_(0.2)
        linear.weight_hh_l0.fill_(0.1)
    measured, bound = measured_and_theory(linear, x.abs(), Exact(True), "h", 24)
    np.testing.assert_allclose(measured[0], np.broadcast_to(bound[0], measured[0].shape), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"residual": "highway"}, "residual='highway'"),
        ({"residual": "dense"}, "residual='dense'"),
        ({"norm": "layer", "residual": "add"}, "norm='layer'"),
        ({"residual": "add", "residual_scale": 0.0}, "residual_scale=0.0"),
        ({"residual": "add", "stochastic_depth": 0.5}, "stochastic_depth=0.5"),
        ({"input_delays": (0, 2)}, r"input_delays=\(\(0, 2\),\)"),
        ({"delays": (1, 2), "combine": "gate"}, "combine='gate'"),
    ],
    ids=str,
)
def test_where_the_bound_does_not_hold_there_is_none_and_the_reason_is_told(options: Any, named: str) -> None:
    core, x = RNN(3, 3, **options), torch.randn(9, 2, 3)
    assert gradient_decay(core, x, theory=True).log_bound is None
    with pytest.raises(ValueError, match=rf"^model must be a stack of RNN layers without norm, .* got .*{named}"):
        stack_path_bound(core, 5)

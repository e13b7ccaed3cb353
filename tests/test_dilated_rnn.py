"""The dilated net of Chang et al. (2017) against the authors' way to run it, written anew on torch.nn's cells."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from seqskip import GRU, LSTM, DilatedRNN, SequenceModel
from tests.strategies import assert_close, few, seeds
from tests.test_bad_input import refused

TWINS: dict[str, Any] = {"RNN": nn.RNNCell, "LSTM": nn.LSTMCell, "GRU": nn.GRUCell}


def dilated_layer(cell: nn.Module, inputs: list[Tensor], rate: int) -> list[Tensor]:
    """Zeros at the end up to a multiple of the rate, `rate` steps in one batch, an ordinary net, and back."""
    padded = inputs + [torch.zeros_like(inputs[0])] * (-len(inputs) % rate)
    rows = [torch.cat(padded[k : k + rate]) for k in range(0, len(padded), rate)]  # phase major, sample minor
    state, outputs = None, []
    for row in rows:
        state = cell(row, state)
        outputs += list((state[0] if isinstance(state, tuple) else state).chunk(rate))
    return outputs[: len(inputs)]


def as_the_authors(model: DilatedRNN, name: str, x: Tensor) -> Tensor:
    inputs = list(x.unbind(1))
    for n, (d,) in enumerate(model.core.delays):
        cell = TWINS[name](inputs[0].size(1), model.core.hidden_sizes[n], dtype=x.dtype)
        weights = model.core.cell(n).weights
        cell.load_state_dict({key: weights[key].detach() for key, _ in cell.named_parameters()})
        inputs = dilated_layer(cell, inputs, d)
    first = model.core.delays[0][0]
    read = inputs[-1] if first == 1 else torch.cat(inputs[-first:], 1)
    return read @ model.head.weight.T + model.head.bias


def build(name: str, delays: list[int], **options: Any) -> DilatedRNN:
    return DilatedRNN(2, 3, 4, cell=name, delays=delays, dtype=torch.float64, **options)


@pytest.mark.parametrize("name", sorted(TWINS))
@few
@given(seeds, st.lists(st.integers(1, 5), min_size=1, max_size=3), st.integers(6, 11))
def test_it_is_the_authors_net(name: str, seed: int, delays: list[int], steps: int) -> None:
    torch.manual_seed(seed)
    model, x = build(name, delays), torch.randn(3, steps, 2, dtype=torch.float64)
    assert_close([model(x)], [as_the_authors(model, name, x)])


@pytest.mark.parametrize("first", [1, 2, 5])
def test_the_head_needs_every_input_step(first: int) -> None:
    model, x = build("RNN", [first, 2 * first]), torch.randn(1, 10, 2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(model(x).sum(), x)
    assert bool(gradient.abs().sum((0, 2)).all())


@few
@given(seeds, st.sampled_from([1, 2, 3]), st.lists(st.integers(1, 8), min_size=3, max_size=3))
def test_each_sample_answers_as_alone(seed: int, first: int, lengths: list[int]) -> None:
    torch.manual_seed(seed)
    model, x = build("GRU", [first, 2]), torch.randn(3, 8, 2, dtype=torch.float64)
    for sample, length in zip(x, lengths, strict=True):
        sample[length:] = float("nan")
    alone = [model(sample[None, :length])[0] for sample, length in zip(x, lengths, strict=True)]
    assert_close(list(model(x, lengths=lengths)), alone)


def test_zeros_stand_for_the_steps_that_a_short_sequence_lacks() -> None:
    model, x = build("LSTM", [4, 8]), torch.randn(2, 3, 2, dtype=torch.float64)
    output, _ = model.core(x.transpose(0, 1))
    read = torch.cat((torch.zeros(2, 4, dtype=torch.float64), *output), 1)
    assert_close([model(x)], [model.head(read)])


def test_the_authors_sizes_and_starts() -> None:
    torch.manual_seed(3)
    model = DilatedRNN(1, 10)
    assert (model.core.hidden_sizes, model.core.delays) == ((20,) * 9, tuple((2**n,) for n in range(9)))
    assert (model.core.init, model.core.residual, model.core.wiring.norm) == ("tf1", None, None)
    wide = DilatedRNN(1, 500, 50, delays=[4])
    for weight in wide.head.parameters():
        assert float(weight.detach().std()) == pytest.approx(1, rel=0.1)
    assert wide.head.in_features == 200


def test_layers_are_as_many_as_delays() -> None:
    assert DilatedRNN(1, 2, [3, 4], delays=[2, 4]).core.hidden_sizes == (3, 4)
    assert DilatedRNN(1, 2, num_layers=3).core.delays == ((1,), (2,), (4,))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"cell": "lstm"}, ["cell must be one of RNN, LSTM, GRU", "did you mean 'LSTM'?"]),
        ({"delays": [1, 2], "num_layers": 3}, ["delays given per layer must be num_layers=3 long, got 2"]),
        ({"delays": []}, ["delays given per layer must be num_layers=1 long, got 0"]),
        ({"delays": [1, 0]}, ["delays must be an integer >= 1, got 0"]),
        ({"delays": [(1, 2)]}, ["delays must be an integer >= 1, got (1, 2)"]),
        ({"num_layers": 0}, ["num_layers must be an integer >= 1, got 0"]),
        ({"num_layers": "2", "delays": [1, 2]}, ["num_layers must be an integer >= 1, got '2'"]),
    ],
    ids=str,
)
def test_bad_arguments(options: dict[str, Any], told: list[str]) -> None:
    with refused(*told):
        DilatedRNN(1, 2, **options)


def test_a_fused_answer_needs_a_core_that_reads_forward() -> None:
    with refused("readout='fused' needs a layer with bidirectional=False", "use readout='last'"):
        SequenceModel(GRU(2, 4, bidirectional=True), input_size=2, output_size=1, readout="fused")


@pytest.mark.parametrize(("delays", "window"), [((1, 8), 1), ((4, 6), 2), ((3,), 3), (2.5, 1)], ids=str)
def test_as_many_outputs_are_fused_as_the_first_layer_has_phases(delays: Any, window: int) -> None:
    core = LSTM(2, 4, 2, delays=[delays, 8])
    model = SequenceModel(core, input_size=2, output_size=1, readout="fused")
    assert (model.window, model.head.in_features) == (window, 4 * window)


@pytest.mark.parametrize("batch_first", [False, True])
def test_the_answer_at_every_step_ends_with_the_answer(batch_first: bool) -> None:
    core = GRU(2, 4, 2, delays=[3, 6], batch_first=batch_first, dtype=torch.float64)
    model = SequenceModel(core, input_size=2, output_size=5, readout="fused")
    x = torch.randn(2, 7, 2, dtype=torch.float64)
    every = model.answer_every_step(core(model.encode(x))[0])
    assert_close([every[:, t] for t in range(7)], [model(x[:, : t + 1]) for t in range(7)])


def test_a_resampled_net_reads_the_same_outputs_at_the_same_times() -> None:
    model = DilatedRNN(2, 3, hidden_size=4, delays=[2, 4]).double()
    x = torch.randn(5, 14, 2, dtype=torch.float64)
    old = x[:, 1::2]  # up to the last step
    last, each = model(old), model(old, lengths=[7, 3, 1, 5, 2])
    every = model.answer_every_step(model.core(model.encode(old))[0])
    model.core.resample(2)
    torch.testing.assert_close(model(x), last)
    torch.testing.assert_close(model(x, lengths=[14, 6, 2, 10, 4]), each)
    torch.testing.assert_close(model.answer_every_step(model.core(model.encode(x))[0])[:, 1::2], every)

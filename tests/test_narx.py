"""NARX run freely and forced by a teacher."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqskip import NARX, SequenceModel
from seqskip.analysis import gradient_decay
from tests.cut import ragged, spoilt
from tests.strategies import as_parts, assert_close, few, fractions, multiples, random_input, seeds
from tests.test_bad_input import refused

taps = st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(tuple)


@st.composite
def nets(draw: st.DrawFn, **options: Any) -> NARX:
    """Draw a float64 net of one or two layers whose inputs, hidden units and outputs differ in number."""
    torch.manual_seed(draw(seeds))
    drawn = {"delays": draw(multiples | fractions), "input_delays": draw(taps), "output_size": draw(st.integers(1, 3))}
    drawn |= {"num_layers": draw(st.integers(1, 2))} | options
    return NARX(2, 4, dtype=torch.float64, **drawn)


def targets_for(net: NARX, x: Tensor) -> Tensor:
    return torch.randn(*x.shape[:-1], net.outputs, dtype=x.dtype)


@few
@given(st.data())
def test_forced_by_its_own_outputs_a_net_runs_as_freely(data: st.DataObject) -> None:
    above: dict[str, Any] = {"norm": "layer", "norm_first": True, "num_layers": 2, "output_size": 3}
    net = data.draw(nets() | nets(**above))
    x, state, lengths = data.draw(ragged(net))
    ends = data.draw(st.sampled_from([None, lengths]))
    free, final = net(x, state, lengths=ends)
    forced, held = net(x, state, lengths=ends, targets=free)
    assert_close([forced, *as_parts(held)], [free, *as_parts(final)])


@few
@given(st.data())
def test_forced_in_chunks_and_step_by_step(data: st.DataObject) -> None:
    net = data.draw(nets())
    x, state = random_input(net, steps=7, batch=2)
    y = targets_for(net, x)
    whole = net(x, state, targets=y)
    for sizes in ([3, 4], [1] * 7):
        outputs, line = [], state
        for x_part, y_part in zip(x.split(sizes), y.split(sizes), strict=True):
            output, line = net(x_part, line, targets=y_part)
            outputs.append(output)
        assert_close([torch.cat(outputs), *as_parts(line)], [whole[0], *as_parts(whole[1])])


def test_forced_predictions_equal_their_equation_in_numpy() -> None:
    net = NARX(2, 4, output_size=3, delays=(1, 3), input_delays=(0, 2), dtype=torch.float64)
    x, (y_before, x_before) = random_input(net, steps=6, batch=1)
    y = targets_for(net, x)
    w = {name.removesuffix("_l0"): value.detach().numpy() for name, value in net.named_parameters()}
    u, fed = (torch.cat(pair)[:, 0].numpy() for pair in ((x_before, x), (y_before, y)))
    output, (held, read) = net(x, (y_before, x_before), targets=y)
    for t in range(6):
        a = w["A"] @ np.concatenate((u[2 + t], u[t])) + w["B"] @ np.concatenate((fed[2 + t], fed[t])) + w["b"]
        expected = w["C"] @ np.tanh(a) + w["c"]
        np.testing.assert_allclose(output[t, 0].detach().numpy(), expected, rtol=1e-12, atol=1e-12)
    assert torch.equal(held, y[-3:])
    assert torch.equal(read, x[-2:])


def test_forced_predictions_see_targets_at_their_delays_alone() -> None:
    net = NARX(1, 4, delays=(2, 3), dtype=torch.float64)
    x = torch.randn(6, 1, 1, dtype=torch.float64)
    jacobian = torch.autograd.functional.jacobian(lambda y: net(x, targets=y)[0].flatten(), targets_for(net, x))
    lags = {int(t - s) for t, s in jacobian.view(6, 6).nonzero()}
    assert lags == {2, 3}


@few
@given(st.data())
def test_what_stands_in_the_padding_of_targets_is_not_seen(data: st.DataObject) -> None:
    net = data.draw(nets())
    x, state, lengths = data.draw(ragged(net))
    y = targets_for(net, x)
    clean = net(x, state, lengths=lengths, targets=spoilt(y, lengths, 0.0))
    other = net(x, state, lengths=lengths, targets=spoilt(y, lengths, float("nan")))
    assert_close([other[0], *as_parts(other[1])], [clean[0], *as_parts(clean[1])])
    assert all(not clean[0][end:, b].any() for b, end in enumerate(lengths))


def test_layouts_give_the_same_predictions() -> None:
    net = NARX(2, 4, output_size=3, delays=(1, 2), input_delays=(0, 1), dtype=torch.float64)
    x, state = random_input(net, steps=5, batch=3)
    y, lengths = targets_for(net, x), [2, 5, 3]
    expected, final = net(x, state, lengths=lengths, targets=y)
    packed = [pack_padded_sequence(part, lengths, enforce_sorted=False) for part in (x, y)]
    output, line = net(packed[0], state, targets=packed[1])
    assert_close([pad_packed_sequence(output)[0], *line], [expected, *final])
    net.batch_first = True
    output, line = net(x.transpose(0, 1), state, lengths=lengths, targets=y.transpose(0, 1))
    assert_close([output.transpose(0, 1), *line], [expected, *final])
    output, line = net(x[:, 1], tuple(part[:, 1] for part in state), targets=y[:, 1])
    assert_close([output, *line], [expected[:, 1], *(part[:, 1] for part in final)])


def test_a_linear_system_is_identified_forced_and_then_runs_freely() -> None:
    """y_t = 0.5 y_{t-1} - 0.3 y_{t-2} + 0.8 u_{t-1}."""

    def system(u: Tensor) -> Tensor:
        y = [torch.zeros_like(u[0])] * 2
        for before in (torch.zeros_like(u[0]), *u[:-1]):
            y.append(0.5 * y[-1] - 0.3 * y[-2] + 0.8 * before)
        return torch.stack(y[2:])

    net = NARX(1, 8, delays=(1, 2), input_delays=(1,))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    u = torch.randn(100, 8, 1)
    for _ in range(400):
        optimizer.zero_grad()
        (net(u, targets=system(u))[0] - system(u)).square().mean().backward()
        optimizer.step()
    fresh = torch.randn(300, 4, 1)
    y = system(fresh)
    with torch.no_grad():
        free, _ = net(fresh)
        _, state = net(fresh[:200], targets=y[:200])
        going_on, _ = net(fresh[200:], state)
    assert (free - y).square().mean() < 0.01 * y.square().mean()
    assert (going_on - y[200:]).square().mean() < 0.01 * y.square().mean()


@pytest.mark.parametrize("options", [{"num_layers": 2}, {"delays": (2, 4)}, {"input_delays": (1, 3)}], ids=str)
def test_every_weight_gets_a_gradient_in_both_modes(options: dict[str, Any]) -> None:
    for given_targets in (None, torch.randn(6, 5, 1)):
        net = NARX(3, 4, **options)
        net(torch.randn(6, 5, 3), targets=given_targets)[0].square().sum().backward()
        assert all(weight.grad is not None and weight.grad.count_nonzero() for weight in net.parameters())


def test_two_directions_answer_after_the_whole_sequence() -> None:
    model = SequenceModel(NARX(2, 5, output_size=3, bidirectional=True), output_size=1, input_size=2)
    x = torch.randn(4, 6, 2)
    output, _ = model.core(x.transpose(0, 1))
    expected = model.head(torch.cat((output[-1, :, :3], output[0, :, 3:]), -1))
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("output_size", [2, 5])
def test_gradients_over_lag_are_those_of_the_whole_output(output_size: int) -> None:
    net = NARX(2, 3, output_size=output_size, delays=(1, 2), dtype=torch.float64)
    with torch.no_grad():
        net.C_l0.zero_()
        net.c_l0.zero_()
        net.B_l0.zero_()
        net.B_l0[0, output_size - 1], net.C_l0[output_size - 1, 0] = 0.5, 1.0  # the last output alone, a factor of 1/2
    x = torch.zeros(12, 1, 2, dtype=torch.float64)
    net.b_l0.data.zero_()
    assert gradient_decay(net, x).half_life == pytest.approx(1.0)


PACKED = pack_padded_sequence(torch.zeros(4, 2, 1), [4, 2])
BAD = [
    (torch.zeros(4, 3, 1), "targets must have shape (4, 2, 1)", "got (4, 3, 1)"),
    (torch.zeros(5, 2, 1), "targets must have shape (4, 2, 1)", "got (5, 2, 1)"),
    (torch.zeros(4, 1), "targets must have shape (4, 2, 1)", "got (4, 1)"),
    (torch.zeros(4, 2, 2), "targets must have 1 features", "got (4, 2, 2)"),
    (torch.zeros(4, 2, 1, dtype=torch.float64), "targets must have the weights' dtype", "use .to(torch.float32)"),
    ([[1.0]], "targets must be a tensor", "got list"),
    (PACKED, "targets must be a tensor", "got PackedSequence"),
]


@pytest.mark.parametrize(("targets", "rule", "shown"), BAD, ids=lambda part: str(part)[:40])
def test_targets_of_another_layout_are_refused(targets: Any, rule: str, shown: str) -> None:
    with refused(rule, shown):
        NARX(2, 3)(torch.zeros(4, 2, 2), targets=targets)


def test_packed_targets_have_the_lengths_and_the_order_of_the_input() -> None:
    net, x = NARX(1, 3), PACKED
    others = [pack_padded_sequence(torch.zeros(4, 2, 1), lengths, enforce_sorted=False) for lengths in ([2, 4], [4, 3])]
    for other in others:
        with refused("targets must be packed as the input is", "got another order or lengths", "the same lengths"):
            net(x, targets=other)
    with refused("targets must be packed as the input is", "got Tensor"):
        net(x, targets=torch.zeros(4, 2, 1))
    with refused("targets.data must have 1 features", "got (6, 2)"):
        net(x, targets=pack_padded_sequence(torch.zeros(4, 2, 2), [4, 2]))


UNFIT = [
    ({"bidirectional": True}, "forcing by targets needs a layer with bidirectional=False", "not known backwards"),
    ({"residual": "add"}, "targets need a layer that answers what it feeds back, got residual='add'", "use"),
    ({"norm": "batch"}, "targets need a layer that answers what it feeds back", "norm='batch'; use"),
    ({"checkpoint_segments": 2}, "targets need checkpoint_segments=1, got 2", "one chunk after the other"),
]


@pytest.mark.parametrize(("options", "rule", "repair"), UNFIT, ids=lambda part: str(part)[:30])
def test_layers_that_cannot_be_forced_say_so(options: dict[str, Any], rule: str, repair: str) -> None:
    with refused(rule, repair):
        NARX(1, 3, **options)(torch.zeros(4, 2, 1), targets=torch.zeros(4, 2, 1))


@pytest.mark.parametrize("bad", [0, -1, 1.5, None, True, "2"])
def test_bad_output_sizes_are_refused(bad: Any) -> None:
    with refused("output_size must be an integer >= 1", f"got {bad!r}"):
        NARX(2, 3, output_size=bad)

"""`input_delays`: layers that read their input of several time steps at once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqskip import GRU, LSTM, RNN, Stack
from seqskip.history import State
from seqskip.layers import TorchLayer
from seqskip.recurrent import Recurrent
from tests.cut import each_alone, ragged, spoilt, with_gradients
from tests.found import EVERY_LAYER, LAYERS
from tests.strategies import as_parts, assert_close, few, inputs, random_input, seeds
from tests.test_bad_input import refused

fewer = settings(few, max_examples=12)  # of each kind of layer
tap_sets = st.lists(st.integers(0, 4), min_size=1, max_size=3, unique=True).map(tuple)
KINDS = [kind for kind in EVERY_LAYER if kind is not TorchLayer]
every_layer = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)


class Elman(nn.Module):
    """A cell of one's own."""

    def __init__(self, features: int, hidden_size: int):
        super().__init__()
        self.read = nn.Linear(features + hidden_size, hidden_size)

    def step(self, x: Tensor, history: Any) -> Tensor:
        return torch.tanh(self.read(torch.cat((x, *history.mean()), -1)))


def build(kind: type[Recurrent], input_size: int, num_layers: int = 1, **options: Any) -> Recurrent:
    own = {"delays": (1, 3)} if kind in LAYERS else {}
    made: Any = (Elman,) if kind is Stack else ()
    return kind(*made, input_size, 4, num_layers, dtype=torch.float64, **(own | options)).eval()


@st.composite
def tapped_layers(draw: st.DrawFn, kind: type[Recurrent], **options: Any) -> Recurrent:
    """Draw a stack of one or two layers with taps of their own, on the input or above it."""
    torch.manual_seed(draw(seeds))
    taps = draw(st.lists(tap_sets, min_size=1, max_size=2))
    if all(one == (0,) for one in taps):
        taps[-1] = (0, 2)
    return build(kind, 2, len(taps), input_delays=taps, **options)


def side_by_side(x: Tensor, before: Tensor, taps: Sequence[int]) -> Tensor:
    """Return [x_{t-d}] for the ascending taps, written out in numpy: sample after sample, step after step."""
    line = np.concatenate((before.numpy(), x.detach().numpy()))
    steps, depth = len(x), len(before)
    rows = [
        [np.concatenate([line[depth + t - d, b] for d in sorted(taps)]) for b in range(x.size(1))] for t in range(steps)
    ]
    return torch.from_numpy(np.array(rows))


@every_layer
@fewer
@given(st.data())
def test_equals_an_ordinary_layer_on_inputs_put_side_by_side(kind: type[Recurrent], data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    taps = data.draw(tap_sets.filter(lambda taps: taps != (0,)))
    layer, ordinary = build(kind, 2, input_delays=taps), build(kind, 2 * len(taps))
    ordinary.load_state_dict(layer.state_dict())
    x, (*state, before) = data.draw(inputs(layer))
    for given_state in (None, (*state, before)):
        # Without a state both begin as their cells do, which need not be zeros.
        own, given_before = (None, torch.zeros_like(before)) if given_state is None else (tuple(state), before)
        output, (*final, read) = layer(x, given_state)
        expected, line = ordinary(side_by_side(x, given_before, taps), own)
        assert_close([output, *final], [expected, *as_parts(line)])
        assert torch.equal(read, torch.cat((given_before, x))[-max(taps) :])


def test_a_layer_above_reads_past_outputs_of_the_one_below() -> None:
    stack = GRU(2, 4, 2, input_delays=((0,), (1, 3)), dtype=torch.float64)
    below, above = GRU(2, 4, dtype=torch.float64), GRU(8, 4, dtype=torch.float64)
    weights = stack.state_dict()
    below.load_state_dict({name: weight for name, weight in weights.items() if name.endswith("_l0")})
    above.load_state_dict({name.replace("_l1", "_l0"): w for name, w in weights.items() if name.endswith("_l1")})
    x = torch.randn(7, 3, 2, dtype=torch.float64)
    middle = below(x)[0]
    expected = above(side_by_side(middle, torch.zeros(3, 3, 4, dtype=torch.float64), (1, 3)))[0]
    output, (_, read) = stack(x)
    assert_close([output, read], [expected, middle[-3:]])


def test_a_delayed_input_alone_comes_one_step_late() -> None:
    late, ordinary = LSTM(2, 4, input_delays=(1,)), LSTM(2, 4)
    late.load_state_dict(ordinary.state_dict())
    x = torch.randn(5, 3, 2)
    expected = ordinary(torch.cat((torch.zeros(1, 3, 2), x[:-1])))[0]
    torch.testing.assert_close(late(x)[0], expected, rtol=0, atol=0)


def test_the_reverse_direction_reads_what_comes_later() -> None:
    both = RNN(2, 4, input_delays=(0, 2), bidirectional=True, dtype=torch.float64)
    ordinary = RNN(4, 4, dtype=torch.float64)
    weights = both.state_dict()
    ordinary.load_state_dict({name: weights[f"{name}_reverse"] for name in ordinary.state_dict()})
    x, zeros = torch.randn(6, 3, 2, dtype=torch.float64), torch.zeros(2, 3, 2, dtype=torch.float64)
    expected = ordinary(side_by_side(x.flip(0), zeros, (0, 2)))[0].flip(0)
    output, (_, read) = both(x)
    assert_close([output[..., 4:], read], [expected, torch.cat((x[-2:], x[:2].flip(0)))])


@every_layer
@fewer
@given(st.data())
def test_chunks_and_single_steps_equal_the_whole(kind: type[Recurrent], data: st.DataObject) -> None:
    layer = data.draw(tapped_layers(kind))
    x, state = data.draw(inputs(layer))
    output, final = layer(x, state)
    cut = data.draw(st.integers(0, len(x)))
    for sizes in ([cut, len(x) - cut], [1] * len(x)):
        outputs, line = [], state
        for part in x.split([size for size in sizes if size]):
            out, line = layer(part, line)
            outputs.append(out)
        assert_close([torch.cat(outputs), *as_parts(line)], [output, *as_parts(final)])
    line = state
    for t, x_t in enumerate(x):
        y_t, line = layer.step(x_t, line)
        assert_close([y_t], [output[t]])
    assert_close(as_parts(line), as_parts(final))


@every_layer
@fewer
@given(st.data())
def test_each_sample_is_cut_to_its_length(kind: type[Recurrent], data: st.DataObject) -> None:
    layer = data.draw(tapped_layers(kind, bidirectional=data.draw(st.booleans())))
    x, state, lengths = data.draw(ragged(layer))
    beside = [part == 0 for part in state]  # what is narrow: no gradient reaches the zeros there
    leaves = [leaf.requires_grad_() for leaf in (x, *state)]

    def given_state() -> State:
        return tuple(part.masked_fill(zero, 0) for part, zero in zip(state, beside, strict=True))

    output, final = layer(spoilt(x, lengths, float("nan")), given_state(), lengths=lengths)
    mine = with_gradients([output, *as_parts(final)], [*leaves, *layer.parameters()])
    alone = each_alone(layer, x, given_state(), lengths)
    assert_close(mine, with_gradients(alone, [*leaves, *layer.parameters()]))


@every_layer
def test_layouts(kind: type[Recurrent]) -> None:
    layer, lengths = build(kind, 2, 2, input_delays=((0, 3), (1,)), bidirectional=True), [2, 5, 1]
    x, state = random_input(layer, steps=5, batch=3)
    expected, final = layer(x, state, lengths=lengths)
    packed, line = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
    assert_close([pad_packed_sequence(packed)[0], *line], [expected, *final])
    output, line = layer(x[:, 1], tuple(part[:, 1] for part in state))
    assert_close([output, *line], [expected[:, 1], *(part[:, 1] for part in final)])
    layer.batch_first = True
    output, line = layer(x.transpose(0, 1), state, lengths=lengths)
    assert_close([output.transpose(0, 1), *line], [expected, *final])


def results(layer: Recurrent, segments: int, x: Tensor, state: State, lengths: Any) -> list[Tensor]:
    layer.checkpoint_segments = segments
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
    output, final = layer(leaves[0], tuple(leaves[1:]), lengths=lengths)
    return with_gradients([output, *as_parts(final)], [*leaves, *layer.parameters()])


@fewer
@given(st.data())
def test_segments_change_nothing(data: st.DataObject) -> None:
    layer = data.draw(tapped_layers(data.draw(st.sampled_from(LAYERS))))
    x, state, lengths = data.draw(ragged(layer))
    ends = data.draw(st.sampled_from([None, lengths]))
    whole = results(layer, 1, x, state, ends)
    assert_close(results(layer, data.draw(st.integers(2, 9)), x, state, ends), whole)


def test_state_names_and_rows() -> None:
    layer = LSTM(3, 4, 3, delays=(1, 2), input_delays=((0,), (0, 1, 4), (2,)))
    assert layer.state_names == ("h", "c", "x")
    assert layer.state_shapes() == [(6, 4), (6, 4), (6, 4)]
    _, state = layer(torch.randn(2, 5, 3))
    assert [tuple(part.shape) for part in state] == [(6, 5, 4)] * 3
    assert layer.has_skips
    assert "input_delays=((0,), (0, 1, 4), (2,))" in repr(layer)
    wide = RNN(6, 4, 2, input_delays=(0, 2))
    assert wide.state_shapes() == [(2, 4), (4, 6)]  # zeros stand beside the inputs of the second layer
    assert not wide(torch.randn(5, 2, 6))[1][1][2:, :, 4:].any()
    assert LSTM(3, 4, input_delays=0).state_names == LSTM(3, 4, input_delays=(0,)).state_names == ("h", "c")


BAD = [
    (-1, "integers >= 0", "got -1"),
    ((0, -2), "integers >= 0", "got -2 in (0, -2)"),
    (0.5, "integers >= 0", "got 0.5"),
    ((0, 1.5), "integers >= 0", "got 1.5 in (0, 1.5)"),
    (True, "integers >= 0", "got True"),
    ("1", "integers >= 0", "got '1'"),
    (None, "integers >= 0", "got None"),
    ((0, 1, 1), "differ", "got (0, 1, 1); write each delay once"),
    ((), "not be empty", "got (); use 0"),
    (((0,), ()), "not be empty", "got (); use 0"),
    (((0,), (1,), (2,)), "num_layers=2 long", "got 3"),
]


@pytest.mark.parametrize(("bad", "rule", "shown"), BAD, ids=lambda part: str(part))
def test_bad_input_delays_are_refused(bad: Any, rule: str, shown: str) -> None:
    with refused("input_delays ", rule, shown):
        RNN(2, 3, 2, input_delays=bad)


def test_a_state_without_the_inputs_is_refused() -> None:
    layer, x = LSTM(2, 3, input_delays=(0, 2)), torch.zeros(4, 1, 2)
    with refused("state must be h_0, c_0 and x_0, got 2 tensors"):
        layer(x, (torch.zeros(1, 1, 3), torch.zeros(1, 1, 3)))
    with refused("state x_0 must have shape (2, 1, 2)", "got (1, 1, 2)"):
        layer(x, (torch.zeros(1, 1, 3), torch.zeros(1, 1, 3), torch.zeros(1, 1, 2)))


def test_input_delays_may_be_set_to_as_many_others() -> None:
    layer = RNN(2, 3, input_delays=(0, 1))
    layer.input_delays = (5, 2)
    assert layer.input_delays == ((2, 5),)
    x = torch.randn(9, 4, 2)
    expected = RNN(2, 3, input_delays=(2, 5))
    expected.load_state_dict(layer.state_dict())
    output, state = expected(x)
    assert_close([layer(x)[0], *layer(x, layer(x)[1])[1]], [output, *expected(x, state)[1]])
    with refused(
        "input_delays can be set where the weights fit, got (0,) for layer 0 made with (2, 5)", "give as many"
    ):
        layer.input_delays = 0
    with refused("input_delays must be integers >= 0", "got 1.5"):
        layer.input_delays = (0, 1.5)  # type: ignore[assignment]
    assert layer.input_delays == ((2, 5),)

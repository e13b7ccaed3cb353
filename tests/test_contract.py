"""What every layer promises of sequences: chunks, steps, samples, lengths, layouts and directions."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqskip.history import State
from seqskip.recurrent import Recurrent
from seqskip.stack import join_state, split_state
from tests.contract import CASES, Case, sample
from tests.cut import each_alone, spoilt, with_gradients
from tests.strategies import as_parts, assert_close

pytestmark = pytest.mark.parametrize("case", CASES, ids=str)
STEPS = 7
PLAIN: Mapping[str, Any] = {
    **{"residual": None, "projection": "linear", "residual_scale": None},
    **{"norm": None, "norm_first": False, "variational_dropout": 0.0},
}


def run(layer: Recurrent, x: Tensor, state: Any, **options: Any) -> list[Tensor]:
    """Return the output and all parts of the state."""
    output, final = layer(x, state, **options)
    return [output, *as_parts(final)]


@pytest.mark.parametrize("cuts", [[3], [1, 2, 6]], ids=str)
def test_chunks_equal_the_whole(case: Case, cuts: list[int]) -> None:
    layer = case.build()
    x, state = sample(layer, STEPS)
    outputs, line = [], state
    for piece in torch.tensor_split(x, cuts):
        output, line = layer(piece, line)
        outputs.append(output)
    assert_close([torch.cat(outputs), *as_parts(line)], run(layer, x, state))


def test_steps_equal_the_whole(case: Case) -> None:
    layer = case.build()
    x, state = sample(layer, STEPS)
    for graded in (True, False):  # without gradients a step may go a shorter way
        outputs, line, alone = [], state, tuple(part[:, 0] for part in state)
        with torch.set_grad_enabled(graded):
            for x_t in x:
                y_t, line = layer.step(x_t, line)
                single, alone = layer.step(x_t[0], alone)
                outputs.append(y_t)
                assert_close([single], [y_t[0]])
        assert_close([torch.stack(outputs), *as_parts(line)], run(layer, x, state))


def test_no_state_is_a_state_of_zeros(case: Case) -> None:
    layer = case.build()
    x, state = sample(layer)
    if case.starts_at_zero:
        assert_close(run(layer, x, None), run(layer, x, tuple(map(torch.zeros_like, state))))
    assert [tuple(part.shape) for part in state] == [(rows, 3, width) for rows, width in layer.state_shapes()]


def changed(x: Tensor, where: Any) -> Tensor:
    other = x.clone()
    other[where] += 1
    return other


@pytest.mark.parametrize("bidirectional", [False, True])
def test_samples_do_not_mix(case: Case, bidirectional: bool) -> None:
    layer = case.build(bidirectional=bidirectional)
    x, state = sample(layer)
    one, kept = (slice(None), 1), [0, 2]
    before = run(layer, x, state)
    after = run(layer, changed(x, one), tuple(changed(part, one) for part in state))
    assert not torch.equal(before[0], after[0])
    assert_close([part[:, kept] for part in after], [part[:, kept] for part in before])


@pytest.mark.parametrize("s", [0, 3])
def test_the_future_does_not_reach_the_past(case: Case, s: int) -> None:
    layer = case.build()
    x, state = sample(layer, STEPS)
    before, after = layer(x, state)[0], layer(changed(x, slice(s, None)), state)[0]
    assert torch.equal(before[:s], after[:s])
    assert not torch.equal(before[s:], after[s:])


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize(("lengths", "fill"), [([4, 0, STEPS], float("nan")), ([2, 5, 1], 1e30)], ids=str)
def test_a_padded_batch_is_each_sample_alone(case: Case, bidirectional: bool, lengths: list[int], fill: float) -> None:
    layer = case.build(bidirectional=bidirectional)
    x, state = sample(layer, STEPS)
    found = []
    for padded in (True, False):
        leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
        line = _of_lines(layer, tuple(leaves[1:]))
        if padded:
            results = run(layer, spoilt(leaves[0], lengths, fill), line, lengths=lengths)
        else:
            results = each_alone(layer, leaves[0], line, lengths)
        found.append(with_gradients(results, [*leaves, *layer.parameters()]))
    assert_close(*found)


def _of_lines(layer: Recurrent, state: State) -> State:
    """Return a state without what stands beside the lines of the smaller layers, which no layer reads."""
    return join_state([line for lines in split_state(layer.blocks(), state) for line in lines])


@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_packed_sequence_is_a_padded_batch(case: Case, bidirectional: bool) -> None:
    layer = case.build(bidirectional=bidirectional)
    x, state = sample(layer, STEPS)
    lengths = [4, STEPS, 1]
    packed, final = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
    assert_close([pad_packed_sequence(packed)[0], *as_parts(final)], run(layer, x, state, lengths=lengths))


def test_layouts(case: Case) -> None:
    layer, swapped = case.build(), case.build(batch_first=True)
    x, state = sample(layer)
    expected = run(layer, x, state)
    output, *final = run(swapped, x.transpose(0, 1), state)
    assert_close([output.transpose(0, 1), *final], expected)
    assert_close(run(layer, x[:, 1], tuple(part[:, 1] for part in state)), [part[:, 1] for part in expected])


def test_two_directions_are_two_layers(case: Case) -> None:
    if isinstance(case.options.get("hidden_size"), tuple):
        pytest.skip("one layer has one size")
    of_delays = {name: one for name, one in case.options.items() if name.endswith("delays") and isinstance(one, tuple)}
    first = {name: one[0] if isinstance(one[0], tuple) else one for name, one in of_delays.items()}
    options = {**first, "num_layers": 1, "stochastic_depth": 0.0, **PLAIN}
    both = case.build(**options, bidirectional=True)
    x, state = sample(both)
    found, given = run(both, x, state), both.state_dict()
    halves, lines = [], []
    for n, suffix in enumerate(("", "_reverse")):
        one = case.build(**options)
        one.load_state_dict({name: given[name.replace("_l0", f"_l0{suffix}")] for name in one.state_dict()})
        output, *line = run(one, x.flip(0) if n else x, tuple(part.chunk(2)[n] for part in state))
        halves.append(output.flip(0) if n else output)
        lines.append(line)
    assert_close(found, [torch.cat(halves, -1), *map(torch.cat, zip(*lines, strict=True))])


@pytest.mark.parametrize("lengths", [None, [4, STEPS, 0]], ids=str)
def test_segments_change_no_gradient(case: Case, lengths: list[int] | None) -> None:
    layer = case.build()
    x, state = sample(layer, STEPS)
    found = []
    for layer.checkpoint_segments in (1, 3):
        leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
        results = run(layer, leaves[0], tuple(leaves[1:]), lengths=lengths)
        found.append(with_gradients(results, [*leaves, *layer.parameters()]))
    assert_close(*found)


def test_delays_may_be_set(case: Case) -> None:
    if not case.free:
        pytest.skip("its delays follow from other options")
    layer = case.build()
    doubled = tuple(tuple(2 * d for d in delays) for delays in layer.delays)
    other = case.build(delays=doubled)
    layer.delays = doubled
    x, state = sample(other)
    assert_close(run(layer, x, state), run(other, x, state))
    assert_close([layer.step(x[0], state)[0]], [other.step(x[0], state)[0]])
    with pytest.raises(ValueError, match=r"^delays must be numbers >= 1, got 0"):
        layer.delays = 0
    assert layer.delays == doubled

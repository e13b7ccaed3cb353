"""The states of all layers at all steps: what single steps hold, and what the output is made of."""

import pytest
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seqskip import GRU, LSTM
from seqskip.interface import LayerInput
from seqskip.stack import split_state
from tests.contract import CASES, Case, sample
from tests.strategies import as_parts, assert_close


@pytest.mark.parametrize("case", CASES, ids=str)
def test_they_are_what_the_delay_lines_hold_step_by_step(case: Case) -> None:
    layer = case.build()
    x, line = sample(layer)
    found = layer.all_states(x, line)
    for t, x_t in enumerate(x):
        _, state = layer(x_t.unsqueeze(0), line)
        line = as_parts(state)
        for (newest,), parts in zip(split_state(layer.blocks(), line), found, strict=True):
            assert_close([part[t] for part in parts], [part[-1] for part in newest[: len(parts)]])


def padded(part: LayerInput) -> torch.Tensor:
    assert not isinstance(part, torch.Tensor)
    return pad_packed_sequence(part)[0]


@pytest.mark.parametrize("bidirectional", [False, True])
def test_layouts_lengths_and_directions(bidirectional: bool) -> None:
    layer, lengths = LSTM(2, 3, 2, delays=(1, 3), bidirectional=bidirectional, dtype=torch.float64), [5, 0, 2]
    x = torch.randn(5, 3, 2, dtype=torch.float64)
    output, (_, c_n) = layer(x, lengths=lengths)
    found = layer.all_states(x, lengths=lengths)
    (h, c), width = found[-1], 3 * (1 + bidirectional)
    assert_close([h], [output])
    assert c.shape == (5, 3, width)
    newest = -4 if bidirectional else -1  # of the forward line of the last layer
    assert_close([c[4, 0, :3], c[1, 2, :3]], [c_n[newest, 0], c_n[newest, 2]])
    packed = layer.all_states(pack_padded_sequence(x[:, [0, 2]], [5, 2]))
    assert_close([padded(part) for part in packed[-1]], [part[:, [0, 2]] for part in found[-1]])
    (one, _), *_ = layer.all_states(x[:, 0])
    assert_close([one], [found[0][0][:, 0]])
    layer.batch_first = True
    (first, _), *_ = layer.all_states(x.transpose(0, 1), lengths=lengths)
    assert_close([first.transpose(0, 1)], [found[0][0]])


def test_gradients_reach_through_them() -> None:
    layer = LSTM(2, 3, delays=(1, 2), dtype=torch.float64)
    x = torch.randn(6, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: layer.all_states(x)[0][1], (x,))


def test_a_norm_and_a_shortcut_stand_behind_them() -> None:
    layer = GRU(2, 3, residual="dense", dtype=torch.float64)
    x = torch.randn(4, 1, 2, dtype=torch.float64)
    ((h,),) = layer.all_states(x)
    assert_close([layer(x)[0]], [torch.cat((x, h), -1)])

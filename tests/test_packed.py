"""PackedSequence: as padding with lengths, in the order of the caller."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence

from seqskip import GRU, SequenceModel
from seqskip.analysis import gradient_decay
from seqskip.engines import ENGINES
from seqskip.recurrent import Recurrent
from tests.cut import with_gradients
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, layers, random_input
from tests.test_bad_input import refused

LENGTHS = [2, 5, 5, 1]


def draw_samples(lengths: list[int], size: int) -> list[Tensor]:
    return [torch.randn(length, size, dtype=torch.float64) for length in lengths]


@few
@given(st.data())
def test_packed_equals_padded_with_lengths(variant: Variant, data: st.DataObject) -> None:
    options = {name: data.draw(st.booleans()) for name in ("batch_first", "bidirectional")}
    layer = data.draw(layers(variant, backend=data.draw(st.sampled_from(sorted(ENGINES))), **options))
    lengths = data.draw(st.lists(st.integers(1, 9), min_size=1, max_size=4))
    x, state = random_input(layer, max(lengths), len(lengths))
    leaves = [leaf.requires_grad_() for leaf in (x, *state)]
    packed, final = layer(pack_padded_sequence(x, lengths, enforce_sorted=False), state)
    output = pad_packed_sequence(packed, total_length=len(x))[0]
    mine = with_gradients([output, *as_parts(final)], [*leaves, *layer.parameters()])
    layer.batch_first = False
    output, final = layer(x, state, lengths=lengths)
    assert_close(mine, with_gradients([output, *as_parts(final)], [*leaves, *layer.parameters()]))


def test_lengths_equal_torch_on_packed(variant: Variant) -> None:
    options = {"bidirectional": True, "batch_first": True, "dtype": torch.float64}
    ours, theirs = variant.build(4, 5, 2, **options), variant.build_torch(4, 5, 2, **options)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(4, 6, 4, dtype=torch.float64, requires_grad=True)
    packed, final = theirs(pack_padded_sequence(x, LENGTHS, batch_first=True, enforce_sorted=False))
    padded = pad_packed_sequence(packed, batch_first=True, total_length=6)[0]
    expected = with_gradients([padded, *as_parts(final)], [x, *theirs.parameters()])
    output, line = ours(x, lengths=LENGTHS)
    assert_close(with_gradients([output, *as_parts(line)], [x, *ours.parameters()]), expected)


def test_a_permutation_of_the_caller_is_kept(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, delays=((1, 3), (2,)), dtype=torch.float64)
    samples, order = draw_samples(LENGTHS, 2), [3, 1, 0, 2]
    state = random_input(layer, 1, 4)[1]
    output, final = layer(pack_sequence(samples, enforce_sorted=False), state)
    shuffled = pack_sequence([samples[b] for b in order], enforce_sorted=False)
    again, line = layer(shuffled, tuple(part[:, order] for part in state))
    padded, ends = pad_packed_sequence(output)
    assert ends.tolist() == LENGTHS
    assert_close(
        [pad_packed_sequence(again)[0], *as_parts(line)], [padded[:, order], *(p[:, order] for p in as_parts(final))]
    )


def test_one_sample_and_equal_lengths(variant: Variant) -> None:
    layer = variant.build(2, 3, delays=(1, 2), dtype=torch.float64)
    for batch in (1, 3):
        x, state = random_input(layer, 4, batch)
        packed, final = layer(pack_sequence(list(x.unbind(1))), state)
        output, line = layer(x, state)
        assert_close([pad_packed_sequence(packed)[0], *as_parts(final)], [output, *as_parts(line)])


def test_a_default_device_that_is_not_the_layers(variant: Variant) -> None:
    layer, packed = variant.build(2, 3), pack_sequence([torch.randn(4, 2), torch.randn(3, 2)])
    with torch.device("meta"):
        output, _ = layer(packed)
    torch.testing.assert_close(output.data, layer(packed)[0].data)


def test_bad_packed_input(variant: Variant) -> None:
    layer, good = variant.build(2, 3), pack_sequence([torch.zeros(4, 2), torch.zeros(3, 2)])
    with refused("lengths must be None with a PackedSequence", "got [4, 3]", "its own"):
        layer(good, lengths=[4, 3])
    with refused("input.data must have 2 features", "got (7, 3)"):
        layer(pack_sequence([torch.zeros(4, 3), torch.zeros(3, 3)]))
    with refused("input.data must have shape (N, I)", "got (7, 2, 2)"):
        layer(pack_sequence([torch.zeros(4, 2, 2), torch.zeros(3, 2, 2)]))
    with refused("input.data must have the weights' dtype torch.float32", "got torch.float64"):
        layer(pack_sequence([torch.zeros(4, 2, dtype=torch.float64)]))
    with refused("state h_0 must have shape (1, 2, 3)", "got (1, 3, 3)"):
        parts = (torch.zeros(1, 3, 3),) * len(layer.cell_type.state_names)
        layer(good, parts)


@pytest.mark.parametrize("sizes", [[1, 3], [2, 0, 2], [2, 1], [3, 2], [4, -1, 1], [3, 2, -1], []], ids=str)
def test_packs_made_by_hand_that_are_none(variant: Variant, sizes: list[int]) -> None:
    pack = PackedSequence(torch.zeros(4, 2), torch.tensor(sizes, dtype=torch.int64))
    with refused("input.batch_sizes must descend, from the samples of the first step", f"got {sizes}", "pack_sequence"):
        variant.build(2, 3)(pack)


@pytest.mark.parametrize("readout", ["last", "every"])
def test_what_takes_no_packed_sequence_says_what_to_do(readout: str) -> None:
    core, packed = GRU(2, 4), pack_sequence([torch.zeros(4, 2), torch.zeros(3, 2)])
    with refused("input must be a tensor", "got PackedSequence", "pad_packed_sequence", "lengths"):
        SequenceModel(core, input_size=2, output_size=1, readout=readout)(packed)
    with refused("input must be a tensor", "got PackedSequence", "pad_packed_sequence"):
        gradient_decay(core, packed)


def test_the_output_is_a_packed_sequence_that_packs_the_batch_alike(layer_type: type[Recurrent]) -> None:
    packed = pack_sequence([torch.randn(length, 2) for length in LENGTHS], enforce_sorted=False)
    output, _ = layer_type(2, 3, bidirectional=True)(packed)
    assert isinstance(output, PackedSequence)
    assert output.data.shape == (sum(LENGTHS), 6)
    assert output.batch_sizes is packed.batch_sizes
    assert torch.equal(output.sorted_indices, packed.sorted_indices)
    assert torch.equal(output.unsorted_indices, packed.unsorted_indices)

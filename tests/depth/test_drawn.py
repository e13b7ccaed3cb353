"""What is drawn in training: which samples lose f for a whole sequence; and how shortcuts start."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqskip
from seqskip.depth import Around, Wiring
from seqskip.layers import GRU, RNN, Stack


class Ones(nn.Module):
    """A recurrence whose state is 1, and 1 again."""

    def __init__(self, input_size: int, hidden_size: int):
        super().__init__()
        self.one = nn.Parameter(torch.ones(hidden_size))

    def step(self, x: Tensor, history: object) -> Tensor:
        return self.one.expand(len(x), -1)


def test_the_probability_grows_linearly_to_the_top() -> None:
    layer = RNN(4, 4, 5, residual="add", stochastic_depth=0.5)
    assert [block.drop_path for block in layer.blocks()] == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert not any(block.drop_path for block in layer.eval().blocks())


def test_a_sample_loses_f_for_its_whole_sequence_and_the_mean_stays() -> None:
    samples, p = 40_000, 0.3
    layer = Stack(Ones, 2, 2, residual="add", stochastic_depth=p)
    torch.manual_seed(0)
    output = layer(torch.zeros(3, samples, 2))[0].detach()
    assert torch.equal(output, output[:1, :, :1].expand_as(output))  # one number for each sample
    lost = (output[0, :, 0] == 0).float()
    kept = output[0, :, 0][lost == 0]
    torch.testing.assert_close(kept, torch.full_like(kept, 1 / (1 - p)))
    # Four standard errors of a share of so many.
    assert abs(float(lost.mean()) - p) < 4 * (p * (1 - p) / samples) ** 0.5
    assert abs(float(output.mean()) - 1) < 4 * (p / (1 - p) / samples) ** 0.5


def test_all_dropped_leaves_the_shortcut() -> None:
    layer = RNN(4, 4, residual="add", stochastic_depth=1.0)
    x = torch.randn(5, 3, 4)
    assert torch.equal(layer(x)[0], x)
    with torch.no_grad():
        y, _ = layer.step(x[0])  # and so do single steps, while in training
        assert torch.equal(y, x[0])
        assert not torch.equal(layer.eval().step(x[0])[0], x[0])


def test_dropped_samples_still_have_their_states() -> None:
    layer, twin = (GRU(4, 4, residual="add", stochastic_depth=p) for p in (1.0, 0.0))
    twin.load_state_dict(layer.state_dict())
    x = torch.randn(5, 3, 4)
    torch.testing.assert_close(layer(x)[1], twin(x)[1])


def test_segments_drop_what_the_whole_drops_forward_and_backward() -> None:
    options = {"residual": "add", "stochastic_depth": 0.6, "dtype": torch.float64}
    whole, cut = (RNN(4, 4, 3, checkpoint_segments=count, **options) for count in (1, 4))
    cut.load_state_dict(whole.state_dict())
    x = torch.randn(9, 6, 4, dtype=torch.float64)
    outputs = []
    for layer in (whole, cut):
        torch.manual_seed(3)
        output = layer(x)[0]
        output.square().sum().backward()
        outputs.append(output)
    torch.testing.assert_close(outputs[0], outputs[1])
    for mine, expected in zip(cut.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(mine.grad, expected.grad)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_wrapper_drops_whole_samples(batch_first: bool) -> None:
    lstm = nn.LSTM(4, 4, batch_first=batch_first)
    layer = seqskip.Residual(lstm, stochastic_depth=0.5)
    x = torch.randn(*((30, 7) if batch_first else (7, 30)), 4)
    added = (layer(x)[0] - x).movedim(0 if batch_first else 1, 0)
    f = 2 * lstm(x)[0].movedim(0 if batch_first else 1, 0)
    lost = (added == 0).flatten(1).all(1)
    assert 0 < lost.sum() < 30
    torch.testing.assert_close(added[~lost], f[~lost], rtol=1e-4, atol=1e-5)
    packed = pack_padded_sequence(x, [7] * 15 + [2] * 15, batch_first, enforce_sorted=False)
    difference = pad_packed_sequence(layer(packed)[0])[0] - pad_packed_sequence(packed)[0]  # (T, B, F)
    kept = difference.ne(0).any(-1)
    assert torch.equal(kept[0], kept[1]) and torch.equal(kept[1, :15], kept[6, :15])
    assert 0 < kept[0].sum() < 30
    assert torch.equal(layer.eval()(x)[0], x + lstm(x)[0])


def test_a_wrapped_feedforward_module_drops_rows() -> None:
    layer = seqskip.Residual(nn.Linear(4, 4), stochastic_depth=0.5)
    x = torch.randn(50, 3, 4)
    lost = (layer(x) == x).flatten(1)
    assert torch.equal(lost.all(1), lost.any(1)) and 0 < lost.all(1).sum() < 50


def test_a_highway_starts_by_carrying() -> None:
    layer = RNN(100, 100, 3, residual="highway", bidirectional=False)
    for n in range(3):
        assert bool((layer.get_parameter(f"bias_highway_l{n}") == -2).all())
        weight = layer.get_parameter(f"weight_highway_l{n}")
        assert 0.09 < float(weight.detach().abs().max()) <= 0.1  # U(-1/√I, 1/√I)
    assert bool((seqskip.Highway(nn.Linear(3, 3)).bias_highway == -2).all())


def test_rezero_starts_as_the_identity() -> None:
    x = torch.randn(5, 3, 4)
    layer = GRU(4, 4, 30, residual="add", residual_scale=0.0)
    assert torch.equal(layer(x)[0], x)
    with torch.no_grad():
        layer.residual_scale_l0.fill_(7)
    layer.reset_parameters()
    assert layer.residual_scale_l0.item() == 0.0
    wrapped = seqskip.Residual(nn.Linear(4, 4), residual_scale=0.0)
    assert torch.equal(wrapped(x), x)


def test_dropout_of_numbers_acts_on_f_alone() -> None:
    around = Around(join=Wiring("add").bind({}, 4), dropout=1.0)
    x = torch.randn(5, 3, 4)
    assert torch.equal(around.answer(x, torch.randn(5, 3, 4)), x)

"""SequenceModel: what it answers, what it puts before and after its core."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seqskip import GRU, SequenceModel
from seqskip.stack import Block
from tests.found import Variant

SIZES = {"identity": {"input_size": 3}, "linear": {"input_size": 2}, "embedding": {"num_embeddings": 7}}


def make(variant: Variant, encoder: str, readout: str = "last", batch_first: bool = False) -> SequenceModel:
    torch.manual_seed(1)
    core = variant.build(3, 4, 2, delays=((1, 2), (3,)), batch_first=batch_first)
    return SequenceModel(core, output_size=5, readout=readout, **SIZES[encoder])


def some_input(encoder: str) -> Tensor:
    return torch.randint(7, (6, 8)) if encoder == "embedding" else torch.randn(6, 8, SIZES[encoder]["input_size"])


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_shapes(variant: Variant, encoder: str, batch_first: bool) -> None:
    x = some_input(encoder)
    assert make(variant, encoder, "last", batch_first)(x).shape == (6, 5)
    assert make(variant, encoder, "every", batch_first)(x).shape == (6, 8, 5)


@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_the_last_answer_is_the_last_of_every(variant: Variant, encoder: str) -> None:
    x = some_input(encoder)
    last, every = make(variant, encoder, "last")(x), make(variant, encoder, "every")(x)
    torch.testing.assert_close(last, every[:, -1])


@pytest.mark.parametrize("readout", ["last", "every"])
@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_the_layout_of_the_core_does_not_change_the_answer(variant: Variant, encoder: str, readout: str) -> None:
    x = some_input(encoder)
    time_major, batch_major = (make(variant, encoder, readout, batch_first) for batch_first in (False, True))
    torch.testing.assert_close(time_major(x), batch_major(x))


@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_answers_written_out(variant: Variant, encoder: str) -> None:
    model, x = make(variant, encoder, "every", batch_first=True), some_input(encoder)
    weights = model.state_dict()
    if encoder == "embedding":
        read = weights["encoder.weight"][x]
    elif encoder == "linear":
        read = (x @ weights["encoder.0.weight"].T + weights["encoder.0.bias"]).clamp(min=0)
    else:
        read = x
        assert not [name for name in weights if name.startswith("encoder")]
    expected = model.core(read)[0] @ weights["head.weight"].T + weights["head.bias"]
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("readout", ["last", "every"])
@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_gradients_reach_every_weight(variant: Variant, encoder: str, readout: str) -> None:
    model = make(variant, encoder, readout)
    F.mse_loss(model(some_input(encoder)), torch.tensor(3.0).expand(model(some_input(encoder)).shape)).backward()
    assert {name for name, weight in model.named_parameters() if not weight.grad.count_nonzero()} == set()


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("readout", ["every", "last"])
def test_the_gradient_reaches_the_layers_in_their_own_layout(
    variant: Variant, readout: str, batch_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Tensor] = []
    read = Block.run

    def watched(block: Block, *arguments: Any) -> Any:
        output, line = read(block, *arguments)
        output.register_hook(seen.append)
        return output, line

    monkeypatch.setattr(Block, "run", watched)
    core = variant.build(3, 3, num_layers=2, residual="add", batch_first=batch_first)
    SequenceModel(core, output_size=2, input_size=3, readout=readout)(torch.randn(4, 6, 3)).sum().backward()
    assert len(seen) == 2 and all(grad.shape == (6, 4, 3) and grad.is_contiguous() for grad in seen)


def test_the_last_answer_needs_the_first_input(variant: Variant) -> None:
    model, x = make(variant, "identity"), some_input("identity").requires_grad_()
    model(x).sum().backward()
    assert x.grad[:, 0].count_nonzero() > 0


@pytest.mark.parametrize("residual", [None, "add", "highway", "dense"])
def test_the_last_answer_of_each_direction_is_of_the_whole_sequence(variant: Variant, residual: str | None) -> None:
    core = variant.build(3, 4, 2, bidirectional=True, residual=residual, delays=(1, 2))
    model = SequenceModel(core, output_size=2, input_size=3)
    x, lengths = some_input("identity"), [2, 5, 1, 4, 5, 3]
    steps = max(lengths)
    output = core(x[:, :steps].transpose(0, 1), lengths=lengths)[0]
    last = torch.stack([output[length - 1, b] for b, length in enumerate(lengths)])
    columns = torch.arange(core.output_size)
    # [x, forward, reverse, forward, reverse] with "dense", and else [forward, reverse].
    reverse = (columns >= 3) & ((columns - 3) % 8 >= 4) if residual == "dense" else columns >= 4
    expected = model.head(torch.where(reverse, output[0], last))
    torch.testing.assert_close(model(x[:, :steps], lengths=lengths), expected)


def test_every_answer_reads_no_later_input(variant: Variant) -> None:
    model, x = make(variant, "identity", "every"), some_input("identity")
    later = x.clone()
    later[:, 5:] += 1
    before, after = model(x), model(later)
    torch.testing.assert_close(before[:, :5], after[:, :5], rtol=0, atol=0)
    assert not torch.equal(before[:, 5:], after[:, 5:])


@pytest.mark.parametrize("encoder", sorted(SIZES))
def test_all_weights_have_the_dtype_of_the_core(encoder: str) -> None:
    model = SequenceModel(GRU(3, 4, dtype=torch.float64), output_size=5, **SIZES[encoder])
    assert {weight.dtype for weight in model.parameters()} == {torch.float64}


def test_embedding_may_not_be_mistaken_for_a_linear_layer(variant: Variant) -> None:
    encoder = make(variant, "embedding").encoder
    assert isinstance(encoder, nn.Embedding)
    assert (encoder.num_embeddings, encoder.embedding_dim) == (7, 3)

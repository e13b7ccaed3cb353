"""without_skips: the same weights in a net with no skips."""

import copy

import pytest
import torch
from torch import nn

from seqskip import NARX, SequenceModel
from seqskip.analysis import without_skips
from seqskip.analysis.ablation import may_lose_skips
from seqskip.recurrent import Recurrent
from tests.found import LITERATURE, Variant

DELAYS = ((8, 1), (4,), (2, 3, 6))


def skipping(variant: Variant, combine: str = "sum", residual: str | None = "add") -> Recurrent:
    return variant.build(2, 4, 3, delays=DELAYS, combine=combine, residual=residual, dtype=torch.float64)


def torch_twin(variant: Variant, layer: Recurrent) -> nn.RNNBase:
    """Return torch.nn's layer with the weights of each layer's shortest delay."""
    twin = variant.build_torch(2, 4, 3, dtype=torch.float64)
    weights = {name: weight for name, weight in layer.state_dict().items() if "residual" not in name}
    twin.load_state_dict({name: w[:, :4] if "weight_hh" in name else w for name, w in weights.items()})
    return twin


@pytest.mark.parametrize("residual", [None, "add"])
@pytest.mark.parametrize("combine", ["sum", "mean"])
def test_what_is_left_is_torchs_layer(variant: Variant, combine: str, residual: str | None) -> None:
    layer, x = skipping(variant, combine, residual), torch.randn(9, 3, 2, dtype=torch.float64)
    plain, twin = without_skips(layer), torch_twin(variant, layer)
    assert plain.delays == ((1,), (1,), (1,))
    assert plain.residual is None
    assert list(plain.state_dict()) == list(twin.state_dict())
    torch.testing.assert_close(plain(x)[0], twin(x)[0], rtol=1e-12, atol=1e-12)


def test_the_model_itself_is_left_as_it_was(variant: Variant) -> None:
    layer, x = skipping(variant), torch.randn(9, 3, 2, dtype=torch.float64)
    before, output = copy.deepcopy(layer.state_dict()), layer(x)[0]
    plain = without_skips(layer)
    with torch.no_grad():
        for weight in plain.parameters():
            weight.zero_()
    assert layer.delays == ((1, 8), (4,), (2, 3, 6))
    assert all(torch.equal(weight, before[name]) for name, weight in layer.state_dict().items())
    assert torch.equal(layer(x)[0], output)


def test_a_whole_model_keeps_its_encoder_and_head(variant: Variant) -> None:
    core = skipping(variant)
    model = SequenceModel(core, input_size=5, output_size=3).eval()
    plain, x = without_skips(model), torch.randn(6, 9, 5, dtype=torch.float64)
    assert isinstance(plain, SequenceModel)
    assert not plain.training
    hidden, _ = torch_twin(variant, core)(model.encoder(x).transpose(0, 1))
    torch.testing.assert_close(plain(x), model.head(hidden[-1]), rtol=1e-12, atol=1e-12)


def test_a_net_without_skips_stays_the_same(variant: Variant) -> None:
    layer, x = variant.build(2, 4, 2, dtype=torch.float64), torch.randn(9, 3, 2, dtype=torch.float64)
    torch.testing.assert_close(without_skips(layer)(x)[0], layer(x)[0], rtol=0, atol=0)


def test_the_copy_can_be_trained_and_frozen_weights_stay_frozen(variant: Variant) -> None:
    layer = skipping(variant)
    layer.weight_hh_l1.requires_grad_(False)
    plain = without_skips(layer)
    frozen = [name for name, weight in plain.named_parameters() if not weight.requires_grad]
    assert frozen == ["weight_hh_l1"]


@pytest.mark.parametrize("kind", LITERATURE, ids=lambda kind: kind.__name__)
def test_layers_of_the_literature_lose_their_skips_or_say_why_not(kind: type[Recurrent]) -> None:
    if not may_lose_skips(kind(2, 4)):
        with pytest.raises(ValueError, match=f"delays may be set, got {kind.__name__}"):
            without_skips(kind(2, 4))
        return
    layer = kind(2, 4, delays=(1, 3), input_delays=(0, 2)).eval()
    plain = without_skips(layer)
    assert plain.delays == ((1,),)
    assert plain.input_delays == ((0, 2),)
    assert plain(torch.randn(6, 2, 2))[0].isfinite().all()


def test_narx_keeps_the_matrix_of_its_shortest_delay() -> None:
    layer, ordinary = NARX(2, 4, output_size=3, delays=(2, 5)), NARX(2, 4, output_size=3)
    weights = layer.state_dict()
    ordinary.load_state_dict(weights | {"B_l0": weights["B_l0"][:, :3]})
    x = torch.randn(6, 2, 2)
    torch.testing.assert_close(without_skips(layer)(x)[0], ordinary(x)[0])

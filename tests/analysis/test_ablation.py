"""without_skips: the same weights in a net with no skips."""

import copy

import pytest
import torch
from torch import nn

from seqskip import RNN, FastRNN, SequenceModel, Stack
from seqskip.analysis import without_skips
from seqskip.cells import OwnHistory
from seqskip.recurrent import Recurrent
from tests.analysis.variants import Wrapped
from tests.found import Variant

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


@pytest.mark.parametrize("combine", ["gate", "learned"])
def test_what_weighs_the_delays_goes(variant: Variant, combine: str) -> None:
    layer, x = skipping(variant, combine), torch.randn(9, 3, 2, dtype=torch.float64)
    plain, twin = without_skips(layer), torch_twin(variant, without_skips(layer))
    assert list(plain.state_dict()) == list(twin.state_dict())
    torch.testing.assert_close(plain(x)[0], twin(x)[0], rtol=1e-12, atol=1e-12)


def test_the_columns_of_the_shortest_tap_stay_and_norms_do() -> None:
    layer = RNN(2, 4, 2, delays=(1, 3), input_delays=(0, 5), residual="highway", norm="layer", dtype=torch.float64)
    plain, x = without_skips(layer), torch.randn(9, 3, 2, dtype=torch.float64)
    assert not plain.has_skips and plain.wiring.norm == "layer"
    twin = RNN(2, 4, 2, norm="layer", dtype=torch.float64)
    weights = {name: w for name, w in layer.state_dict().items() if "highway" not in name and "residual" not in name}
    cut = {"weight_hh_l0": 4, "weight_hh_l1": 4, "weight_ih_l0": 2, "weight_ih_l1": 4}
    twin.load_state_dict({name: w[:, : cut[name]] if name in cut else w for name, w in weights.items()})
    torch.testing.assert_close(plain(x)[0], twin(x)[0], rtol=1e-12, atol=1e-12)


def test_cells_of_the_literature_keep_what_they_skip_themselves() -> None:
    layer = FastRNN(2, 4, 2, delays=(1, 3), input_delays=(0, 2), residual="add", dtype=torch.float64)
    plain, x = without_skips(layer), torch.randn(9, 3, 2, dtype=torch.float64)
    twin = FastRNN(2, 4, 2, dtype=torch.float64)
    weights = {name: w for name, w in layer.state_dict().items() if "residual" not in name}
    twin.load_state_dict({name: w[: len(twin.state_dict()[name])] for name, w in weights.items()})
    torch.testing.assert_close(plain(x)[0], twin(x)[0], rtol=1e-12, atol=1e-12)


class Reader(nn.Module):
    """A cell of one's own."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.read = nn.Linear(input_size, hidden_size)

    def step(self, x: torch.Tensor, history: OwnHistory) -> torch.Tensor:
        return torch.tanh(self.read(x) + history[3][0])


def test_nets_that_their_weights_do_not_fit_without_skips_are_refused() -> None:
    for layer, named in (
        (RNN(2, 3, 2, residual="dense"), "residual='dense'"),
        (Stack(Reader, 2, 3, delays=3), r"cells of one's own, made for delays=\(\(3,\),\)"),
    ):
        with pytest.raises(ValueError, match=rf"^model must have weights that go on without its skips, got {named}"):
            without_skips(layer)
    stack = without_skips(Stack(Wrapped, 3, 3, 2, residual="add"))
    assert not stack.has_skips

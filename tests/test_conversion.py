"""Models written for torch.nn, converted and converted back."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import seqskip
from seqskip import convert, to_torch
from seqskip.layers import TorchLayer
from tests.test_bad_input import refused

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")


class Tagger(nn.Module):
    """Tokens to a tag at each step, as in PyTorch's own tutorial."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(20, 6)
        self.lstm = nn.LSTM(6, 8, num_layers=2, batch_first=True, dropout=0.5)
        self.to_tags = nn.Linear(8, 5)

    def forward(self, tokens: Tensor) -> Tensor:
        output, _ = self.lstm(self.embedding(tokens))
        return torch.log_softmax(self.to_tags(output), -1)


class Classifier(nn.Module):
    """Packed sequences through a bidirectional GRU, and what both directions end with."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 7, num_layers=2, bidirectional=True)
        self.head = nn.Linear(14, 3)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        self.gru.flatten_parameters()
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        output, h_n = self.gru(packed)
        h_n = h_n.view(self.gru.num_layers, 2, x.size(1), self.gru.hidden_size)
        padded, _ = pad_packed_sequence(output)
        return self.head(torch.cat((h_n[-1, 0], h_n[-1, 1]), -1)) + padded.mean()


class Translator(nn.Module):
    """An encoder, and a decoder that looks at all the encoder says, one token after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.LSTM(5, 6, bidirectional=True), nn.LSTM(5 + 12, 12, proj_size=6)
        self.bridge, self.score = nn.Linear(12, 6), nn.Linear(6, 12)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory, (h, c) = self.encoder(source)
        state = (self.bridge(torch.cat((h[0], h[1]), -1)).unsqueeze(0), torch.cat((c[0], c[1]), -1).unsqueeze(0))
        outputs = []
        for token in target:
            weights = torch.einsum("tbh,bh->tb", memory, self.score(state[0][0])).softmax(0)
            context = torch.einsum("tb,tbh->bh", weights, memory)
            output, state = self.decoder(torch.cat((token, context), -1).unsqueeze(0), state)
            outputs.append(output)
        return torch.cat(outputs)


MODELS: list[tuple[Callable[[], nn.Module], tuple[Tensor, ...]]] = [
    (Tagger, (torch.randint(20, (3, 9)),)),
    (Classifier, (torch.randn(9, 4, 4), torch.tensor([9, 2, 5, 1]))),
    (Translator, (torch.randn(7, 2, 5), torch.randn(4, 2, 5))),
    (lambda: nn.RNN(3, 4, nonlinearity="relu", bias=False), (torch.randn(5, 2, 3),)),
]


def flat(answer: Any) -> list[Tensor]:
    return [answer] if isinstance(answer, Tensor) else [tensor for part in answer for tensor in flat(part)]


def trained(model: nn.Module, given: tuple[Tensor, ...]) -> list[Tensor]:
    """Return answers and all gradients in the order of their names, in evaluation."""
    answers = flat(model.eval()(*given))
    loss = sum((answer.square().sum() for answer in answers), torch.zeros(()))
    weights = dict(sorted(model.named_parameters()))
    return [*answers, *torch.autograd.grad(loss, list(weights.values()))]


@pytest.mark.parametrize(("make", "given"), MODELS, ids=lambda part: getattr(part, "__name__", ""))
def test_models_answer_as_before_and_come_back(make: Callable[[], nn.Module], given: tuple[Tensor, ...]) -> None:
    model = make()
    expected, parameters = trained(model, given), dict(model.named_parameters())
    state = copy.deepcopy(model.state_dict())
    ours = convert(model)
    assert not any(isinstance(module, nn.RNNBase) for module in ours.modules())
    assert any(isinstance(module, TorchLayer) for module in ours.modules())
    assert dict(ours.named_parameters()).keys() == parameters.keys()
    assert all(weight is parameters[name] for name, weight in ours.named_parameters())
    found = trained(ours, given)
    torch.testing.assert_close(found[0], expected[0], rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(found[1:], expected[1:], rtol=1e-5, atol=1e-5)
    theirs = to_torch(ours)
    assert not any(isinstance(module, TorchLayer) for module in theirs.modules())
    assert theirs.state_dict().keys() == state.keys()
    torch.testing.assert_close(trained(theirs, given), expected)
    assert [name for name, _ in theirs.named_parameters()] == list(parameters)


def test_an_rnn_with_longer_delays_begins_as_it_was() -> None:
    theirs = nn.RNN(3, 4, 2, bidirectional=True)
    x = torch.randn(9, 2, 3)
    expected, _ = theirs(x)
    ours = convert(theirs, delays=lambda layer: [(1, 8)] * layer.num_layers)
    assert isinstance(ours, seqskip.RNN) and ours.delays == ((1, 8), (1, 8))
    torch.testing.assert_close(ours(x)[0], expected)
    ours(x)[0].square().sum().backward()
    assert ours.weight_hh_l0.grad.count_nonzero() == ours.weight_hh_l0.numel()


def test_mode_dtype_frozen_weights_and_shared_layers_stay() -> None:
    layer = nn.GRU(3, 3, dtype=torch.float64).eval()
    layer.weight_hh_l0.requires_grad_(False)
    model = nn.ModuleDict({"one": layer, "again": layer, "head": nn.Linear(3, 2)})
    head = model["head"]
    ours = convert(model, delays=(1, 4))
    assert isinstance(ours, nn.ModuleDict) and ours is model and ours["head"] is head
    assert ours["one"] is ours["again"]
    new = ours["one"]
    assert isinstance(new, seqskip.GRU)
    assert not new.training and new.weight_ih_l0.dtype == torch.float64 and not new.weight_hh_l0.requires_grad
    assert new.weight_ih_l0 is layer.weight_ih_l0


def test_options_are_those_of_the_layers() -> None:
    ours = convert(nn.LSTM(3, 3, 2), residual="add", backend="reference")
    assert isinstance(ours, seqskip.LSTM) and ours.residual == "add" and ours.backend == "reference"
    with refused("residual must be one of"):
        convert(nn.LSTM(3, 3), residual="ad")


def tied(layer: nn.Module) -> None:
    """One weight in several places of a layer, as users tie them."""
    layer.bias_hh_l0 = layer.bias_ih_l0
    layer.weight_ih_l0_reverse, layer.weight_hh_l0_reverse = layer.weight_ih_l0, layer.weight_hh_l0


def test_weights_that_are_tied_stay_so() -> None:
    theirs, x = nn.RNN(3, 4, bidirectional=True), torch.randn(9, 2, 3)
    tied(theirs)
    expected, names = theirs(x)[0], list(theirs.state_dict())
    for delays in (1, (1, 3)):
        ours = convert(copy.deepcopy(theirs), delays=delays)
        assert len(list(ours.parameters())) == len(list(theirs.parameters())) and list(ours.state_dict()) == names
        torch.testing.assert_close(ours(x)[0], expected)
    back = to_torch(convert(theirs))
    assert len(list(back.parameters())) == len(list(theirs.parameters()))
    torch.testing.assert_close(back(x)[0], expected)


KEPT: list[dict[str, Any]] = [
    *({"hidden_size": 5}, {"num_layers": 2}, {"bias": False}, {"nonlinearity": "relu"}, {"proj_size": 2}),
    *({"device": "meta"}, {"dtype": torch.float64}, {"init": "orthogonal"}),
]


@pytest.mark.parametrize("option", KEPT, ids=str)
@pytest.mark.parametrize("layer", [nn.RNN(3, 4), nn.LSTM(3, 4)], ids=str)
def test_what_the_layers_have_is_no_option(layer: nn.Module, option: dict[str, Any]) -> None:
    ((name, value),) = option.items()
    with refused(f"{name} must be left to the layers of the model, got {value!r}", "change"):
        convert(layer, **option)


@pytest.mark.parametrize("change", [convert, to_torch])
@pytest.mark.parametrize("bad", [3, None, nn.LSTM], ids=str)
def test_what_is_no_module(change: Callable[[Any], Any], bad: Any) -> None:
    with refused("module must be a torch.nn.Module, got", "give"):
        change(bad)


class Own(nn.LSTM):
    def forward(self, *given: Any) -> Any:
        return super().forward(*given)


def refusals() -> list[tuple[nn.Module, tuple[str, ...]]]:
    hooked = nn.GRU(2, 3)
    hooked.register_forward_hook(lambda *given: None)
    watched = nn.GRU(2, 3)
    watched.register_full_backward_pre_hook(lambda *given: None)
    parametrized = torch.nn.utils.parametrizations.weight_norm(nn.RNN(2, 3), "weight_hh_l0")
    return [
        (watched, ("1 must have no hooks", "put them on the new layer")),
        (Own(2, 3), ("1 must be torch.nn's RNN, LSTM or GRU itself", "got Own", "make it one of them")),
        (hooked, ("1 must have no hooks", "put them on the new layer")),
        (parametrized, ("1 must have weights of its own", "got a parametrized", "remove_parametrizations first")),
    ]


@pytest.mark.parametrize(("layer", "message"), refusals(), ids=str)
def test_what_would_be_lost_is_refused_and_the_model_stays(layer: nn.Module, message: tuple[str, ...]) -> None:
    first = nn.LSTM(2, 2)
    model = nn.Sequential(first, layer)
    with refused(*message):
        convert(model)
    assert model[0] is first and model[1] is layer


def computed(layer: nn.Module) -> None:
    """Make a weight a plain tensor, computed from another: as dropout of weights was done."""
    raw = layer.weight_hh_l0
    del layer.weight_hh_l0
    layer.register_parameter("weight_hh_l0_raw", raw)
    layer.weight_hh_l0 = 0.5 * raw


def with_start(layer: nn.Module) -> None:
    layer.start = nn.Parameter(torch.zeros(3))


def with_head(layer: nn.Module) -> None:
    layer.head = nn.Linear(3, 2)


def with_count(layer: nn.Module) -> None:
    layer.register_buffer("count", torch.zeros(()))


STRANGE = [(computed, "weight_hh_l0, weight_hh_l0_raw"), (with_start, "start"), (with_head, "head")]


@pytest.mark.parametrize(("add", "shown"), [*STRANGE, (with_count, "count")], ids=str)
@pytest.mark.parametrize(("change", "layers"), [(convert, nn), (to_torch, seqskip)], ids=["convert", "to_torch"])
def test_a_layer_that_holds_more_or_less_than_its_weights(change: Any, layers: Any, add: Any, shown: str) -> None:
    model = nn.Sequential(layers.GRU(2, 3), layers.LSTM(2, 3))
    kept = list(model)
    add(model[1])
    with refused("1 must hold the weights of torch.nn's LSTM and nothing else", f"got {shown}", "in the model"):
        change(model)
    assert list(model) == kept


BEYOND: list[tuple[dict[str, Any], str]] = [
    ({"delays": (1, 2)}, "delays=(1, 2)"),
    ({"residual": "add"}, "residual='add'"),
    ({"norm": "layer"}, "norm='layer'"),
    ({"input_delays": (0, 1)}, "input_delays"),
    ({"hidden_size": (3, 4)}, "hidden_size=(3, 4)"),
    ({"layer_norm": True}, "layer_norm=True"),
    ({"learn_initial_state": True}, "learn_initial_state=True"),
]


@pytest.mark.parametrize(("options", "shown"), BEYOND, ids=str)
def test_what_torch_has_not_is_refused(options: dict[str, Any], shown: str) -> None:
    layer = seqskip.LSTM(**({"input_size": 2, "hidden_size": 3, "num_layers": 2} | options))
    with refused("0 must be what torch.nn has", f"got LSTM with {shown}", "leave that out"):
        to_torch(nn.Sequential(layer))


def test_other_seqskip_layers_stay() -> None:
    model = nn.Sequential(seqskip.MIST(2, 3, delays=(1, 2)), seqskip.GRU(3, 3))
    kept = model[0]
    assert to_torch(model)[0] is kept and isinstance(model[1], nn.GRU)  # type: ignore[index]

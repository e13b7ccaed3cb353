"""A shortcut round any module: of torch.nn, of seqskip, in every layout."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

import seqskip
from seqskip.analysis import gradient_decay
from seqskip.depth import Wrapper
from seqskip.layers import GRU, LSTM, RNN
from tests.depth.by_hand import joined, normed
from tests.strategies import as_parts, assert_close

Make = Callable[..., Wrapper]
WRAPPERS: dict[str, Make] = {"add": seqskip.Residual, "highway": seqskip.Highway, "dense": seqskip.Dense}
OPTIONS: list[dict[str, Any]] = [{}, *({"norm": n, "norm_first": f} for n in ("layer", "rms", "batch") for f in (0, 1))]
MODULES: dict[str, Callable[[], nn.Module]] = {
    "Linear": lambda: nn.Linear(3, 4),
    "nn.LSTM": lambda: nn.LSTM(3, 4, 2),
    "nn.LSTM-proj": lambda: nn.LSTM(3, 5, proj_size=2, bidirectional=True),
    "nn.GRU-both": lambda: nn.GRU(3, 2, bidirectional=True),
    "GRU": lambda: seqskip.GRU(3, 4, delays=(1, 3)),
    "LSTM-dense": lambda: seqskip.LSTM(3, 1, residual="dense"),
}


def wrap(kind: str, module: nn.Module, **options: Any) -> Wrapper:
    """Return the wrapper in float64, every weight of its own with a value of its own."""
    options = {name: bool(value) if name == "norm_first" else value for name, value in options.items()}
    torch.manual_seed(0)
    wrapped = WRAPPERS[kind](module.double(), **options)
    with torch.no_grad():
        for weight in wrapped.parameters():
            weight.copy_(torch.randn_like(weight) * 0.5)
    return wrapped


def by_hand(kind: str, wrapped: Wrapper, x: Tensor) -> Tensor:
    own, norm = dict(wrapped.named_parameters()), wrapped.wiring.norm
    weights = {name.removeprefix("norm."): weight for name, weight in own.items() if name.startswith("norm.")}
    answer = wrapped.module(normed(norm, x, weights) if wrapped.wiring.norm_first else x)
    z = joined(kind, x, answer[0] if isinstance(answer, tuple) else answer, own)
    return z if wrapped.wiring.norm_first else normed(norm, z, weights)


def first(answer: Any) -> Any:
    return answer[0] if isinstance(answer, tuple) and not isinstance(answer, PackedSequence) else answer


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: "-".join(map(str, options.values())))
@pytest.mark.parametrize("kind", WRAPPERS)
@pytest.mark.parametrize("module", MODULES)
def test_z_and_gradients_equal_those_by_hand(module: str, kind: str, options: dict[str, Any]) -> None:
    wrapped = wrap(kind, MODULES[module](), **options)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    z, expected = first(wrapped(x)), by_hand(kind, wrapped, x)
    torch.testing.assert_close(z, expected, rtol=1e-10, atol=1e-10)
    assert z.size(-1) == wrapped.output_size and wrapped.input_size == 3
    weights = list(wrapped.parameters())
    found, wanted = (torch.autograd.grad(one.square().sum(), weights, allow_unused=True) for one in (z, expected))
    assert all(one is not None and one.any() for one in found)
    for part, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(part, other, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4), seqskip.LSTM(3, 4, delays=2), nn.GRU(3, 4), seqskip.RNN(3, 4)])
def test_the_state_goes_in_and_comes_out_as_it_is(layer: nn.Module) -> None:
    wrapped = seqskip.Residual(layer)
    x, (_, state) = torch.randn(6, 2, 3), layer(torch.randn(4, 2, 3))
    z, final = wrapped(x, state)
    f, expected = layer(x, state)
    assert_close((z, *as_parts(final)), (f + x @ wrapped.weight_residual.T, *as_parts(expected)))


@pytest.mark.parametrize("kind", WRAPPERS)
def test_chunks_equal_the_whole(kind: str) -> None:
    wrapped = wrap(kind, LSTM(3, 4, delays=(1, 3)), norm="layer")
    x, state, pieces = torch.randn(7, 2, 3, dtype=torch.float64), (), []
    for piece in torch.split(x, [3, 1, 3]):
        output, *state = wrapped(piece, *state)
        pieces.append(output)
    assert_close([torch.cat(pieces)], [wrapped(x)[0]])


@pytest.mark.parametrize("kind", WRAPPERS)
@pytest.mark.parametrize("layer", [GRU, nn.GRU], ids=["seqskip", "torch"])
@pytest.mark.parametrize("norm", [None, "layer", "batch"])
def test_layouts_agree(layer: Any, kind: str, norm: str | None) -> None:
    wrapped = wrap(kind, layer(3, 4), norm=norm)
    other = copy.deepcopy(wrapped)
    other.module.batch_first = True
    x, lengths = torch.randn(6, 3, 3, dtype=torch.float64), [6, 2, 4]
    torch.testing.assert_close(other(x.transpose(0, 1))[0].transpose(0, 1), wrapped(x)[0])
    torch.testing.assert_close(wrapped(x[:, 0])[0], wrapped(x[:, :1])[0][:, 0])
    for net, batch_first in ((wrapped, False), (other, True)):
        given = x.transpose(0, 1) if batch_first else x
        packed, state = net(pack_padded_sequence(given, lengths, batch_first, enforce_sorted=False))
        output, found = pad_packed_sequence(packed)
        assert found.tolist() == lengths and state.shape == (1, 3, 4)
        if isinstance(net.module, GRU):
            given = given.clone()
            (given[1] if batch_first else given[:, 1])[2:] = float("nan")
            padded = net(given, lengths=lengths)[0]
            torch.testing.assert_close(padded.transpose(0, 1) if batch_first else padded, output)


def test_modules_that_do_not_tell_their_sizes() -> None:
    net = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 3))
    x = torch.randn(2, 5, 3)
    assert torch.equal(seqskip.Residual(net)(x), x + net(x))
    assert torch.equal(seqskip.Dense(net)(x[0, 0]), torch.cat((x[0, 0], net(x[0, 0]))))
    assert seqskip.Residual(net).output_size is None
    assert seqskip.Highway(net, 3)(x).shape == x.shape
    wider = nn.Sequential(nn.Linear(3, 7))
    assert seqskip.Residual(wider, 3, 7, norm="layer")(x).shape == (2, 5, 7)
    assert torch.equal(seqskip.Residual(wider, 3, 7, projection="zeros")(x)[..., 3:], wider(x)[..., 3:])


def test_wrappers_can_be_wrapped_and_strung_together() -> None:
    inner = seqskip.Residual(RNN(3, 4, batch_first=True), norm="rms")
    outer = seqskip.Dense(inner)
    x = torch.randn(2, 6, 3)
    z, state = outer(x, lengths=[6, 3])
    assert outer.output_size == 7 and outer.batch_first and state.shape == (1, 2, 4)
    assert torch.equal(z[..., 3:], inner(x, lengths=[6, 3])[0]) and not z[1, 3:].any()
    deep = nn.Sequential(*(seqskip.Residual(nn.Linear(4, 4), residual_scale=0.1) for _ in range(5)))
    assert deep(torch.zeros(2, 4)).shape == (2, 4)


def test_a_wrapped_stack_is_a_stack_with_the_shortcut() -> None:
    stack = LSTM(3, 4, residual="highway", norm="layer", batch_first=True, dtype=torch.float64)
    wrapped = seqskip.Highway(LSTM(3, 4, batch_first=True, dtype=torch.float64), norm="layer")
    weights = {name.replace("_l0", ""): weight for name, weight in stack.state_dict().items()}
    cell = {f"module.{name}_l0": weight for name, weight in weights.items() if name.split("_")[-1] in ("ih", "hh")}
    own = {name: weight for name, weight in weights.items() if name.split("_")[-1] not in ("ih", "hh")}
    wrapped.load_state_dict(cell | own)
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    assert torch.equal(wrapped(x)[0], stack(x)[0])
    for norm in ("loss", "spectral"):
        mine, theirs = (gradient_decay(net, x, norm=norm).log_norm for net in (wrapped, stack))
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-6, equal_nan=True)


def test_a_transformer_layer_drops_samples_not_steps() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.0)
    wrapped, x = seqskip.Residual(layer, 4, stochastic_depth=0.5), torch.randn(6, 40, 4)
    kept = (wrapped(x) - x).abs().sum(-1) > 1e-6  # (T, B)
    assert torch.equal(kept, kept[:1].expand_as(kept)) and kept.any() and not kept.all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_small_probabilities_are_kept(dtype: torch.dtype) -> None:
    wrapped = seqskip.Residual(nn.Identity(), stochastic_depth=0.01)
    lost = wrapped(torch.ones(200_000, 1, dtype=dtype)) == 1
    assert float(lost.float().mean()) == pytest.approx(0.01, rel=0.1)


def test_repr_copy_reset_and_dtype() -> None:
    wrapped = seqskip.Residual(nn.Linear(3, 4), norm="layer", residual_scale=0.5)
    assert "features=3, size=4, norm='layer', residual_scale=0.5" in repr(wrapped)
    assert "Linear(in_features=3" in repr(wrapped)
    before = copy.deepcopy(wrapped.state_dict())
    twin = copy.deepcopy(wrapped)
    with torch.no_grad():
        twin.residual_scale.fill_(9)
    with torch.no_grad():
        wrapped.norm.weight.fill_(7)
    wrapped.reset_parameters()
    assert wrapped.residual_scale.item() == 0.5
    changed = [name for name, weight in wrapped.state_dict().items() if not torch.equal(weight, before[name])]
    assert changed == ["weight_residual", "module.weight", "module.bias"]
    half = seqskip.Highway(nn.Linear(3, 4).bfloat16())
    assert half(torch.zeros(2, 3, dtype=torch.bfloat16)).dtype == torch.bfloat16
    assert seqskip.Highway(nn.Linear(3, 4, device="meta")).bias_highway.is_meta

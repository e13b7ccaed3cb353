"""What every layer promises as a torch module: types, copies, files, starts, gradients, transforms and its text."""

import copy
import inspect
import io
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from seqskip import SequenceModel
from seqskip.recurrent import Recurrent
from tests.contract import CASES, Case, sample
from tests.found import EVERY_LAYER
from tests.strategies import as_parts, assert_close
from tests.test_bad_input import refused

every = pytest.mark.parametrize("case", CASES, ids=str)
FIRST = [next(case for case in CASES if case.layer_type is layer) for layer in EVERY_LAYER]
each_class = pytest.mark.parametrize("case", FIRST, ids=lambda case: case.layer_type.__name__)


def loss(layer: Recurrent, x: Tensor) -> Tensor:
    """Return a sum that weighs every number of the output and of the state differently."""
    output, final = layer(x)
    parts = (output, *as_parts(final))
    return torch.stack([(torch.linspace(-1, 2, p.numel()).to(p).view_as(p) * p).sum() for p in parts]).sum()


@every
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16], ids=str)
def test_the_dtype_stays(case: Case, dtype: torch.dtype) -> None:
    for layer in (case.build(dtype=dtype), case.build().to(dtype)):
        x = torch.randn(5, 3, 2, dtype=dtype, requires_grad=True)
        output, final = layer(x)
        _, again = layer(x, final)
        loss(layer, x).backward()
        tensors = [output, *as_parts(final), *as_parts(again), *layer.parameters(), x.grad]
        assert {tensor.dtype for tensor in tensors} == {dtype}
        assert all(weight.grad.isfinite().all() for weight in layer.parameters())


@every
def test_the_device_stays(case: Case) -> None:
    here, layer = case.made(), case.made(device="meta", dtype=torch.float64)
    x = torch.empty(5, 3, 2, dtype=torch.float64, device="meta", requires_grad=True)
    output, final = layer(x)
    loss(layer, x).backward()
    grads = [weight.grad for weight in layer.parameters()]
    assert {tensor.device.type for tensor in (output, *as_parts(final), x.grad, *grads)} == {"meta"}
    assert output.shape == (5, 3, layer.output_size) == here(torch.zeros(5, 3, 2))[0].shape
    assert [tuple(part.shape) for part in as_parts(final)] == [(rows, 3, width) for rows, width in here.state_shapes()]


def _saved(layer: Recurrent) -> Any:
    buffer = io.BytesIO()
    torch.save(layer.state_dict(), buffer)
    buffer.seek(0)
    return torch.load(buffer, weights_only=True)


@every
def test_weights_survive_a_file(case: Case) -> None:
    layer, other = case.build(), case.made(dtype=torch.float64).eval()
    x, state = sample(layer)
    weights = _saved(layer)
    assert other.load_state_dict(weights, strict=True)
    assert list(weights) == list(other.state_dict())
    assert torch.equal(other(x, state)[0], layer(x, state)[0])


@every
@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_answers_the_same_with_weights_of_its_own(case: Case, duplicate: Callable[[Any], Any]) -> None:
    layer = case.build()
    x, state = sample(layer)
    layer.step(x[0], state)  # what a call may leave behind must not stand in the way
    other = duplicate(layer)
    expected = layer(x, state)[0]
    assert torch.equal(other(x, state)[0], expected) and repr(other) == repr(layer)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_()
    assert torch.equal(other(x, state)[0], expected)
    assert not torch.equal(layer(x, state)[0], expected)


@every
def test_every_parameter_gets_a_gradient(case: Case) -> None:
    layer = case.build()
    loss(layer, torch.randn(9, 4, 2, dtype=torch.float64)).backward()
    without = [name for name, weight in layer.named_parameters() if not weight.grad.count_nonzero()]
    assert (without, all(weight.grad.isfinite().all() for weight in layer.parameters())) == ([], True)


@every
def test_a_fresh_layer_trains(case: Case) -> None:
    layer = case.made(dtype=torch.float64).train()
    x = torch.randn(6, 4, 2, dtype=torch.float64)
    loss(layer, x).backward()
    weights = [weight for weight in layer.parameters() if weight.grad is not None]
    assert weights and all(weight.grad.isfinite().all() for weight in weights)
    layer.eval()
    assert torch.equal(layer(x)[0], layer(x)[0])


@every
def test_a_seed_decides_the_start(case: Case) -> None:
    layer, starts = case.made(), []
    for seed in (3, 4, 3):
        torch.manual_seed(seed)
        layer.reset_parameters()
        starts.append({name: weight.detach().clone() for name, weight in layer.named_parameters()})
    assert all(torch.equal(weight, starts[2][name]) for name, weight in starts[0].items())
    assert any(not torch.equal(weight, starts[1][name]) for name, weight in starts[0].items())
    layer = case.made(device="meta").to_empty(device="cpu")
    torch.manual_seed(3)
    layer.reset_parameters()
    assert all(torch.equal(weight, starts[0][name]) for name, weight in layer.named_parameters())
    assert all(buffer.isfinite().all() for buffer in layer.buffers())


@every
def test_weights_may_come_from_outside(case: Case) -> None:
    layer, other = case.build(), case.made(dtype=torch.float64).eval()
    x, _ = sample(layer)
    weights = dict(other.named_parameters())
    found = torch.func.grad(lambda own: functional_call(layer, own | dict(other.named_buffers()), (x,))[0].sum())(
        {name: weight.detach() for name, weight in weights.items()}
    )
    expected = torch.autograd.grad(other(x)[0].sum(), list(weights.values()), materialize_grads=True, allow_unused=True)
    assert_close(list(found.values()), expected)


@every
def test_autocast(case: Case) -> None:
    layer = case.build(dtype=torch.float32)
    x = torch.randn(5, 3, 2)
    expected, _ = layer(x)
    with torch.autocast("cpu", torch.bfloat16):
        output, state = layer(x)
        layer(x, state)
        layer.step(x[0], state)
        layer(x, lengths=[5, 0, 3])
    output.sum().backward()
    torch.testing.assert_close(output.float(), expected, rtol=0.1, atol=0.3)
    assert all(weight.grad is None or weight.grad.dtype == torch.float32 for weight in layer.parameters())


@every
@pytest.mark.parametrize("readout", ["last", "every"])
def test_a_sequence_model_takes_it(case: Case, readout: str) -> None:
    core = case.build(batch_first=True)
    model = SequenceModel(core, input_size=5, output_size=4, readout=readout)
    x = torch.randn(3, 6, 5, dtype=torch.float64)
    answers = model(x, lengths=[6, 2, 4])
    assert answers.shape == ((3, 4) if readout == "last" else (3, 6, 4))
    assert_close([answers[1] if readout == "last" else answers[1, :2]], [model(x[1:2, :2])[0]])


@every
def test_its_text_shows_what_was_asked_for(case: Case) -> None:
    layer = case.made()
    text, inside = repr(layer), layer.extra_repr()
    assert text.startswith(f"{case.layer_type.__name__}(") and "tensor(" not in text and " at 0x" not in text
    assert "\n" not in inside and len(inside) < 250 and inside.startswith("2, ")
    defaults = {name: one.default for name, one in inspect.signature(case.layer_type).parameters.items()}
    for name, value in case.options.items():
        if defaults.get(name) == value:  # some layers leave out what is as usual
            continue
        kept = getattr(layer, name, value)
        forms = [repr(value)] if name == "hidden_size" else [f"{name}={value!r}", f"{name}={kept!r}"]
        forms += [f"{name}={kept[0]!r}"] if name.endswith("delays") else []  # once where all layers have the same
        assert any(form in inside for form in forms)


BAD: list[tuple[dict[str, Any], tuple[str, ...]]] = [
    ({"hidden_size": 0}, ("hidden_size must be an integer >= 1", "got 0")),
    ({"hidden_size": (3, 0)}, ("hidden_size must be an integer >= 1", "got 0")),
    ({"hidden_size": (3, 3, 3)}, ("hidden_size given per layer must be num_layers=2 long", "got 3: (3, 3, 3)")),
    ({"num_layers": 0}, ("num_layers must be an integer >= 1", "got 0")),
    ({"residual": "ad"}, ("residual must be one of add, highway, dense", "got 'ad'", "did you mean 'add'?")),
    ({"norm": "lay"}, ("norm must be one of layer, rms, batch", "got 'lay'", "did you mean 'layer'?")),
    ({"input_delays": -1}, ("input_delays must be integers >= 0", "got -1")),
    ({"backend": "nativ"}, ("backend must be one of", "got 'nativ'", "did you mean 'native'?")),
]
BAD_DELAYS = [(0, "got 0"), (0.5, "got 0.5"), ([[1], [2], [3]], "num_layers=2 long"), ((2, 2), "must differ")]


@each_class
def test_what_no_layer_takes(case: Case) -> None:
    for options, parts in BAD:
        with refused(*parts):
            case.layer_type(*case.first, **{"input_size": 2, "hidden_size": 3, "num_layers": 2, **options})
    for delays, text in BAD_DELAYS if case.free else []:
        with refused("delays", text):
            case.layer_type(*case.first, 2, 3, 2, delays=delays)
    with pytest.raises(TypeError, match="residul"):
        case.layer_type(*case.first, 2, 3, 2, residul="add")

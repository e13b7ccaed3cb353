"""What a layer refuses, with the name of the argument and the value it got in the message."""

import re
from typing import Any

import pytest
import torch
from torch.nn.utils.rnn import pack_sequence

from seqskip import RNN
from seqskip.recurrent import Recurrent
from tests.found import Variant

NO_INTEGERS = [0, -1, 2.5, True, "3", None]
NO_FRACTIONS = [-0.1, 1.5, float("nan"), True, "half", None]
# Of each argument an unknown value and the known one that was meant.
NO_CHOICES = [
    ("combine", "summ", "sum"),
    ("combine", "average_mean", "mean"),
    ("residual", "Add", "add"),
    ("init", "orthogonl", "orthogonal"),
    ("backend", "folded", "fold"),
]


def refused(*parts: str) -> Any:
    """Expect a ValueError whose message starts with the first part and has the others after it, in this order."""
    return pytest.raises(ValueError, match=f"^{'.*'.join(re.escape(part) for part in parts)}")


@pytest.mark.parametrize("bad", NO_INTEGERS)
@pytest.mark.parametrize("name", ["input_size", "hidden_size", "num_layers"])
def test_sizes(layer_type: type[Recurrent], name: str, bad: Any) -> None:
    with refused(f"{name} must be an integer >= 1", f"got {bad!r}"):
        layer_type(**({"input_size": 2, "hidden_size": 3, "num_layers": 1} | {name: bad}))


@pytest.mark.parametrize("bad", NO_FRACTIONS)
def test_dropout(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("dropout must be", "[0, 1]", f"got {bad!r}"):
        layer_type(2, 3, 2, dropout=bad)


@pytest.mark.parametrize(("name", "bad", "meant"), NO_CHOICES)
def test_choices(layer_type: type[Recurrent], name: str, bad: str, meant: str) -> None:
    with refused(f"{name} must be one of", meant, f"got {bad!r}", f"did you mean {meant!r}?"):
        layer_type(2, 3, **{name: bad})


@pytest.mark.parametrize("bad", [3, ["sum"], object, "xyzzy"])
@pytest.mark.parametrize("name", ["combine", "residual", "init", "backend"])
def test_choices_of_another_kind(layer_type: type[Recurrent], name: str, bad: Any) -> None:
    with refused(f"{name} must be one of", f"got {bad!r}"):
        layer_type(2, 3, **{name: bad})


def test_nonlinearity() -> None:
    with refused("nonlinearity must be one of tanh, relu", "got 'Tanh'", "did you mean 'tanh'?"):
        RNN(2, 3, nonlinearity="Tanh")
    with refused("nonlinearity must be one of tanh, relu", "got True"):
        RNN(2, 3, 1, True)  # torch's LSTM has bias in this place


def test_delays(layer_type: type[Recurrent]) -> None:
    with refused("delays must be numbers >= 1", "got 0"):
        layer_type(2, 3, delays=0)
    with refused("delays given per layer must be num_layers=2 long", "got 3", "((1,), (2,), (4,))"):
        layer_type(2, 3, 2, delays=((1,), (2,), (4,)))


SHAPES = [
    ((), "must have shape"),
    ((4,), "must have shape"),
    ((1, 4, 5, 2), "must have shape"),
    ((4, 5, 3), "must have 2 features"),
    ((4, 1), "must have 2 features"),
    ((0, 2), "at least one time step"),
]


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize(("shape", "rule"), SHAPES, ids=str)
def test_input_shapes(variant: Variant, shape: tuple[int, ...], rule: str, batch_first: bool) -> None:
    with refused("input must have", rule.removeprefix("must have "), f"got {shape}"):
        variant.build(2, 3, batch_first=batch_first)(torch.zeros(shape))


@pytest.mark.parametrize(("batch_first", "shape"), [(False, (0, 5, 2)), (True, (5, 0, 2))])
def test_no_time_steps(variant: Variant, batch_first: bool, shape: tuple[int, ...]) -> None:
    with refused("input must have at least one time step", f"got {shape}", "another batch_first"):
        variant.build(2, 3, batch_first=batch_first)(torch.zeros(shape))


@pytest.mark.parametrize("bad", [[[1.0, 2.0]], None, "text", 3])
def test_input_of_another_kind(variant: Variant, bad: Any) -> None:
    layer = variant.build(2, 3)
    with refused("input must be a tensor", f"got {type(bad).__name__}"):
        layer(bad)
    with refused("input of one step must", f"got {type(bad).__name__}"):
        layer.step(bad)


def test_a_packed_sequence_is_no_single_step(variant: Variant) -> None:
    with refused("input of one step must be a tensor", "got PackedSequence", "pad_packed_sequence"):
        variant.build(2, 3).step(pack_sequence([torch.zeros(4, 2), torch.zeros(3, 2)]))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64], ids=str)
def test_input_dtype_and_device(variant: Variant, dtype: torch.dtype) -> None:
    with refused("input must have the weights' dtype torch.float32", f"got {dtype}", "use .to(torch.float32)"):
        variant.build(2, 3)(torch.zeros(4, 5, 2, dtype=dtype))
    with refused("input must be on the weights' device cpu", "got meta", "use .to('cpu')"):
        variant.build(2, 3)(torch.zeros(4, 5, 2, device="meta"))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(), (4, 5, 2), (1, 4, 5, 2)], ids=str)
def test_ranks_of_one_step(variant: Variant, shape: tuple[int, ...], batch_first: bool) -> None:
    with refused("input of one step must have shape (B, I) or (I,)", f"got {shape}"):
        variant.build(2, 3, batch_first=batch_first).step(torch.zeros(shape))


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("shape", [(5, 3), (3,)], ids=str)
def test_features_of_one_step_are_shown_as_given(variant: Variant, shape: tuple[int, ...], batch_first: bool) -> None:
    with refused("input", "must have 2 features", f"got {shape}"):
        variant.build(2, 3, batch_first=batch_first).step(torch.zeros(shape))


def test_an_integer_dtype_is_refused(layer_type: type[Recurrent]) -> None:
    with pytest.raises(ValueError, match=r"dtype must be a floating-point type, got torch\.int32"):
        layer_type(2, 3, dtype=torch.int32)


@pytest.mark.parametrize("bad", ["float32", 32, float])
def test_a_dtype_that_is_none_is_refused(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("dtype must be a floating-point type", f"got {bad!r}", "use torch.float32"):
        layer_type(2, 3, dtype=bad)


def test_an_integer_beyond_all_floats_is_no_finite_number() -> None:
    with refused("ratio must be a finite number > 0", "got 1000"):
        RNN(2, 3).resample(10**400)
    with refused("dropout must be a probability in [0, 1]", "got 1000"):
        RNN(2, 3, dropout=10**400)

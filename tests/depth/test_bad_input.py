"""Wirings and wrappers that make no sense are refused with the rule, what was received, and the repair."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import seqskip
from seqskip.layers import LSTM, RNN

BAD_WIRINGS: list[tuple[dict[str, Any], str]] = [
    ({"residual": "highways"}, "did you mean 'highway'"),
    ({"residual": "Dense"}, "did you mean 'dense'"),
    ({"norm": "layernorm"}, "did you mean 'layer'"),
    ({"norm": nn.LayerNorm}, "norm must be one of layer, rms, batch"),
    ({"projection": "zero"}, "did you mean 'zeros'"),
    ({"norm_first": True}, "choose one, such as norm='layer'"),
    ({"norm": "rms", "norm_first": 1}, "norm_first must be True or False"),
    ({"residual": "add", "projection": None}, "projection must bridge .* got None .* reads 3 features and makes 4"),
    ({"residual": "highway", "projection": None}, "use projection='linear', or make both sizes equal"),
    ({"residual_scale": 0.0}, "residual_scale needs residual='add'.*residual_scale=None"),
    ({"residual": "highway", "residual_scale": 1.0}, "got residual_scale=1.0 with residual='highway'"),
    ({"residual": "dense", "stochastic_depth": 0.5}, "stochastic_depth needs residual='add'"),
    ({"stochastic_depth": 0.5}, "use residual='add' or stochastic_depth=0.0"),
    ({"residual": "add", "stochastic_depth": 1.5}, r"stochastic_depth must be a probability in \[0, 1\], got 1.5"),
    ({"residual": "add", "residual_scale": float("nan")}, "residual_scale must be a finite number, got nan"),
    ({"residual": "add", "residual_scale": "0"}, "residual_scale must be a finite number, got '0'"),
    ({"norm": "batch", "checkpoint_segments": 2}, "checkpoint_segments > 1 .* norm='batch'.*norm='layer'"),
]


@pytest.mark.parametrize(("options", "message"), BAD_WIRINGS, ids=lambda value: str(value))
def test_a_stack_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RNN(3, 4, 2, **options)


@pytest.mark.parametrize("kind", ["add", "highway"])
def test_zeros_beside_x_cannot_shrink_it(kind: str) -> None:
    with pytest.raises(ValueError, match=r"projection='zeros' needs .* got 5 read and 4 made; use projection='linear'"):
        LSTM(5, 4, residual=kind, projection="zeros")
    with pytest.raises(ValueError, match="got 5 read and 4 made"):
        seqskip.Residual(nn.Linear(5, 4), projection="zeros")


def test_no_projection_is_refused_only_where_one_is_needed() -> None:
    assert "weight_residual_l0" not in dict(RNN(4, 4, 2, residual="highway", projection=None).named_parameters())
    assert RNN(3, 4, 2, residual="dense", projection=None).output_size == 11


def test_a_wrapper_refuses_what_is_no_module() -> None:
    with pytest.raises(ValueError, match=r"module must be a torch.nn.Module, got <built-in"):
        seqskip.Residual(torch.relu)
    with pytest.raises(ValueError, match="features must be an integer >= 1, got 0"):
        seqskip.Residual(nn.ReLU(), 0)


@pytest.mark.parametrize("wrapper", [seqskip.Highway, lambda module: seqskip.Dense(module, norm="layer")])
def test_weights_need_sizes(wrapper: Any) -> None:
    with pytest.raises(ValueError, match=r"features must be given for .* round a Sequential"):
        wrapper(nn.Sequential(nn.Linear(3, 3)))


def test_sizes_are_checked_at_the_call() -> None:
    x = torch.zeros(5, 3)
    with pytest.raises(ValueError, match="as many features as it reads, got 4 from 3; give features=3 and size=4"):
        seqskip.Residual(nn.Sequential(nn.Linear(3, 4)))(x)
    with pytest.raises(ValueError, match=r"input must have 4 features in its last dimension, got \(5, 3\)"):
        seqskip.Residual(nn.Linear(4, 4))(x)
    with pytest.raises(ValueError, match=r"the module's output must have 5 features .* got \(5, 4\)"):
        seqskip.Residual(nn.Linear(3, 4), size=5)(x)
    with pytest.raises(ValueError, match=r"shaped as its input but for the features, got \(15,\) from \(5, 3\)"):
        seqskip.Residual(nn.Flatten(0))(torch.zeros(5, 3))


def test_inputs_that_no_module_reads() -> None:
    layer = seqskip.Residual(nn.LSTM(3, 3))
    with pytest.raises(ValueError, match=r"input must be a tensor .* got list"):
        layer([1.0])
    with pytest.raises(ValueError, match="got a tensor without dimensions"):
        layer(torch.tensor(1.0))
    with pytest.raises(ValueError, match=r"input must have shape \(T, B, I\) or \(T, I\), got \(1, 2, 3, 3\)"):
        layer(torch.zeros(1, 2, 3, 3))


def test_lengths_go_only_where_they_are_understood() -> None:
    x = torch.zeros(4, 2, 3)
    with pytest.raises(ValueError, match="lengths need a module that takes them, got LSTM; give a PackedSequence"):
        seqskip.Residual(nn.LSTM(3, 3))(x, lengths=[4, 2])
    with pytest.raises(ValueError, match="lengths must be None with a module that reads no sequences"):
        seqskip.Residual(nn.Linear(3, 3))(x, lengths=[4, 2])
    layer = seqskip.Residual(seqskip.LSTM(3, 3))
    with pytest.raises(ValueError, match="lengths must lie in 0 to 4"):
        layer(x, lengths=[4, 5])
    with pytest.raises(ValueError, match="lengths must be None with an unbatched input"):
        layer(x[:, 0], lengths=[4])
    with pytest.raises(ValueError, match="lengths must be None with a PackedSequence"):
        layer(pack_sequence([torch.zeros(2, 3)]), lengths=[2])


class Rows(nn.Linear):
    def forward(self, x: PackedSequence) -> Tensor:
        return super().forward(x.data)


def test_an_answer_is_packed_where_the_input_is() -> None:
    with pytest.raises(ValueError, match="output must be packed where its input is, got Tensor from PackedSequence"):
        seqskip.Residual(Rows(3, 3))(pack_sequence([torch.zeros(2, 3)]))


@pytest.mark.parametrize("options", [{}, {"lengths": [1, 0]}], ids=["step", "lengths"])
def test_a_batch_of_one_step_has_no_variance(options: dict[str, Any]) -> None:
    layer, x = RNN(3, 4, norm="batch"), torch.zeros(1, 1 + len(options), 3)
    with pytest.raises(ValueError, match=r"norm='batch' in training needs two or more .* got 1, .*norm='layer'"):
        layer(x, **options)
    assert layer.eval()(x, **options)[0].isfinite().all()


@pytest.mark.parametrize("bad", [torch.int64, "float32"], ids=str)
def test_weights_are_floating_point(bad: Any) -> None:
    for make in (lambda: RNN(3, 4, dtype=bad), lambda: seqskip.ResNet(3, 4, 2, dtype=bad)):
        with pytest.raises(ValueError, match=r"dtype must be a floating-point type, got .*; use torch.float32"):
            make()

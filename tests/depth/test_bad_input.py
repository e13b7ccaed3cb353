"""Wirings and wrappers that make no sense are refused with the rule, what was received, and the repair."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_sequence

import seqskip
from seqskip.layers import RNN


def test_a_wrapper_refuses_what_is_no_module() -> None:
    with pytest.raises(ValueError, match=r"module must be a torch.nn.Module, got <built-in"):
        seqskip.Residual(torch.relu)
    with pytest.raises(ValueError, match="features must be an integer >= 1, got 0"):
        seqskip.Residual(nn.ReLU(), 0)


def test_a_wrapper_has_no_way_to_shrink_by_zeros() -> None:
    with pytest.raises(ValueError, match=r"projection='zeros' needs .* got 5 read and 4 made; use projection='linear'"):
        seqskip.Residual(nn.Linear(5, 4), projection="zeros")


def test_what_the_weights_of_a_wrapper_cannot_read() -> None:
    with pytest.raises(ValueError, match=r"input must have the weights' dtype torch.float32, got torch.float64"):
        seqskip.Highway(nn.ReLU(), 4)(torch.zeros(2, 4, dtype=torch.float64))


def test_a_scale_beyond_the_dtype() -> None:
    with pytest.raises(ValueError, match=r"residual_scale must be a number of torch.float16, got 100000.0"):
        RNN(3, 3, residual="add", residual_scale=1e5, dtype=torch.float16)


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

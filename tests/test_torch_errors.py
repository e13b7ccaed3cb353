"""Code that catches what torch.nn's layers raise, ValueError, TypeError or RuntimeError, catches what ours raise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

import seqskip
from seqskip import GRU, LSTM, RNN
from seqskip.errors import InputError, TypeMismatch

KINDS = ("RNN", "LSTM", "GRU")
CAUGHT = (ValueError, TypeError, RuntimeError)
each = pytest.mark.parametrize("kind", KINDS)


def assert_refused_alike(make: Callable[[Any], Any]) -> None:
    """Call a function with seqskip and with torch.nn: both refuse, and who catches torch.nn's error catches ours."""
    with pytest.raises(CAUGHT) as theirs:
        make(nn)
    kind = next(kind for kind in CAUGHT if isinstance(theirs.value, kind))
    with pytest.raises(kind) as ours:
        make(seqskip)
    assert isinstance(ours.value, ValueError)


ARGUMENTS: list[dict[str, Any]] = [
    *({name: bad} for name in ("input_size", "hidden_size", "num_layers") for bad in (0, -1, 2.0, "2", None)),
    *({name: bad} for name in ("bias", "batch_first") for bad in (0, 1, "True", None)),
    {"dtype": "float32"},
    *({"dropout": bad} for bad in (-0.1, 1.5, float("nan"), True, "half")),
]


@each
@pytest.mark.parametrize("bad", ARGUMENTS, ids=str)
def test_arguments(kind: str, bad: dict[str, Any]) -> None:
    assert_refused_alike(lambda layers: getattr(layers, kind)(**{"input_size": 3, "hidden_size": 4} | bad))


def test_arguments_of_one_kind() -> None:
    for size in (-1, 4, 5):
        assert_refused_alike(lambda layers, size=size: layers.LSTM(3, 4, proj_size=size))
    for kind in ("RNN", "GRU"):
        assert_refused_alike(lambda layers, kind=kind: getattr(layers, kind)(3, 4, proj_size=2))
    for bad in ("sigmoid", "Tanh", None):
        assert_refused_alike(lambda layers, bad=bad: layers.RNN(3, 4, nonlinearity=bad))


X = torch.zeros(5, 2, 3)
INPUTS: dict[str, Any] = {
    "features": torch.zeros(5, 2, 4),
    "features-unbatched": torch.zeros(5, 4),
    "features-packed": pack_padded_sequence(torch.zeros(5, 2, 4), [5, 3]),
    "rank-1": torch.zeros(3),
    "rank-4": torch.zeros(1, 5, 2, 3),
    "double": X.double(),
    "double-packed": pack_padded_sequence(X.double(), [5, 3]),
    "integers": X.long(),
    "no-steps": torch.zeros(0, 2, 3),
    "no-steps-unbatched": torch.zeros(0, 3),
    "rows-of-rank-3": PackedSequence(torch.zeros(3, 1, 3), torch.tensor([2, 1])),
}


@each
@pytest.mark.parametrize("bad", INPUTS)
def test_inputs(kind: str, bad: str) -> None:
    assert_refused_alike(lambda layers: getattr(layers, kind)(3, 4)(INPUTS[bad]))


# What is given, and a state that does not fit it.
STATES: dict[str, tuple[Any, dict[str, Any]]] = {
    "batch": (X, {"size": (1, 3, 4)}),
    "units": (X, {"size": (1, 2, 5)}),
    "layers": (X, {"size": (2, 2, 4)}),
    "unbatched": (X, {"size": (1, 4)}),
    "batched": (X[:, 0], {"size": (1, 1, 4)}),
    "layers-unbatched": (X[:, 0], {"size": (2, 4)}),
    "batch-packed": (pack_padded_sequence(X, [5, 3]), {"size": (1, 3, 4)}),
    "double": (X, {"size": (1, 2, 4), "dtype": torch.float64}),
    "device": (X, {"size": (1, 2, 4), "device": "meta"}),
}


@each
@pytest.mark.parametrize("bad", STATES)
@pytest.mark.parametrize("part", [0, 1])
def test_states(kind: str, bad: str, part: int) -> None:
    x, options = STATES[bad]
    good = torch.zeros((1, 4) if isinstance(x, torch.Tensor) and x.dim() == 2 else (1, 2, 4))
    wrong = torch.zeros(**options)
    state = (wrong if kind != "LSTM" else (wrong, good), wrong if kind != "LSTM" else (good, wrong))[part]
    assert_refused_alike(lambda layers: getattr(layers, kind)(3, 4)(x, state))


def test_states_of_a_projected_lstm() -> None:
    for h, c in (((1, 2, 4), (1, 2, 4)), ((1, 2, 2), (1, 2, 2)), ((1, 3, 2), (1, 3, 4)), ((2, 2, 2), (1, 2, 4))):
        state = (torch.zeros(h), torch.zeros(c))
        assert_refused_alike(lambda layers, state=state: layers.LSTM(3, 4, proj_size=2)(X, state))


@each
def test_a_batch_that_comes_last(kind: str) -> None:
    state = torch.zeros(1, 2, 4)
    given = (state, state) if kind == "LSTM" else state
    assert_refused_alike(lambda layers: getattr(layers, kind)(3, 4, batch_first=True)(X, given))


@each
def test_lengths_that_do_not_fit_are_an_input_error(kind: str) -> None:
    for lengths in ([5], [6, 1], [1.0, 2.0], torch.zeros(2)):
        with pytest.raises(InputError, match=r"^lengths must"):
            getattr(seqskip, kind)(3, 4)(X, lengths=lengths)


def test_what_is_refused_for_its_value_is_no_mismatch_of_types() -> None:
    with pytest.raises(ValueError) as refused:
        LSTM(0, 4)
    assert not isinstance(refused.value, TypeMismatch)


def test_what_torch_refuses_and_seqskip_takes() -> None:
    """Sizes of numpy's types, proj_size=0 where nothing is projected, one tensor in a tuple, samples of no steps."""
    sizes = np.array([3, 4])
    assert GRU(sizes[0], sizes[1], proj_size=0)(X, (torch.zeros(1, 2, 4),))[0].shape == (5, 2, 4)
    assert RNN(3, 4)(X, lengths=[0, 5])[1].shape == (1, 2, 4)
    for refused in (lambda: nn.GRU(sizes[0], 4), lambda: nn.GRU(3, 4, proj_size=0)):
        with pytest.raises(CAUGHT):
            refused()
    with pytest.raises(RuntimeError, match="greater than 0"):
        pack_padded_sequence(X, [5, 0])

"""Which states, samples and names are refused between two calls, with the repair."""

from typing import Any

import numpy as np
import pytest
import torch

from seqskip import LSTM, states
from tests.test_bad_input import refused

STATE = torch.zeros(4, 3, 2), torch.zeros(4, 3, 2)
SAMPLES = [
    ([3], "got 3; samples are counted from 0"),
    ([0, -1], "got -1; samples are counted from 0"),
    (torch.tensor([0, 7]), "got 7; samples are counted from 0"),
    ([True, False], "got torch.bool of shape (2,)"),
    (torch.ones(4, dtype=torch.bool), "got torch.bool of shape (4,)"),
    (torch.ones(3, 1, dtype=torch.bool), "got torch.bool of shape (3, 1)"),
    (torch.tensor(1), "got torch.int64 of shape ()"),
    (torch.tensor([0.0, 1.0]), "got torch.float32; use .long() for numbers, .bool() for a mask"),
    (
        torch.tensor([0, 1, 0], dtype=torch.uint8),
        "got torch.uint8; use .long() for numbers, .bool() for a mask",
    ),
    (np.array([0.0, 1.0, 0.0]), "got torch.float64; use .long()"),
    (np.array(["a"]), "got array(['a']"),
    ([0.0, 1.0], "got [0.0, 1.0]; give a list, or a tensor"),
    ([True, 2], "got [True, 2]"),
    ([[0], [1]], "got [[0], [1]]"),
    ("01", "got '01'"),
    (1, "got 1; give a list"),
    (None, "got None"),
]


@pytest.mark.parametrize(("samples", "got"), SAMPLES, ids=str)
@pytest.mark.parametrize("change", [states.select, states.reset])
def test_samples(change: Any, samples: Any, got: str) -> None:
    with refused("samples must be numbers in 0 to 2, or a mask of 3 booleans", got):
        change(STATE, samples)


NO_STATES = [
    (None, "got ['NoneType']"),
    ((), "got []"),
    ((STATE[0], "c"), "got [(4, 3, 2), 'str']"),
    (torch.zeros(3), "got [(3,)]"),
    (torch.zeros(1, 4, 3, 2), "got [(1, 4, 3, 2)]"),
    ({"h": STATE[0]}, "got ['dict']"),
]


@pytest.mark.parametrize(("state", "got"), NO_STATES, ids=lambda one: str(one)[:20])
def test_what_is_no_state(state: Any, got: str) -> None:
    calls = [
        lambda: states.detach(state),
        lambda: states.select(state, [0]),
        lambda: states.reset(state, [0]),
        lambda: states.reset(STATE, [0], 3 if state is None else state),  # None is for zeros
        lambda: states.join([state]),
        lambda: states.to_tensors(state, ("h", "c")),
    ]
    for call in calls:
        with refused("a state must be a tensor (D, B, H) or (D, H), or a tuple of such", "give what a layer returned"):
            call()
    with refused("a state must be", got):
        states.detach(state)


@pytest.mark.parametrize(
    "state", [torch.zeros(4, 2), (torch.zeros(4, 2), torch.zeros(4, 2)), (STATE[0], STATE[1][:, :1])]
)
def test_a_state_without_one_batch(state: Any) -> None:
    for change in (states.select, states.reset):
        with refused("a state must have parts (D, B, H) of one batch", "join([state])"):
            change(state, [0])


STARTS = [
    (STATE[0], "got (4, 3, 2) of torch.float32 on cpu;"),
    ((*STATE, STATE[0]), "got"),
    ((STATE[0], torch.zeros(4, 1, 2)), "(4, 1, 2)"),
    ((STATE[0], torch.zeros(5, 3, 2)), "(5, 3, 2)"),
    ((STATE[0], torch.zeros(4, 2)), "(4, 2) of"),
    ((STATE[0], STATE[1].double()), "of torch.float64"),
    ((STATE[0], torch.zeros(4, 3, 2, device="meta")), "on meta"),
]


@pytest.mark.parametrize(("start", "got"), STARTS, ids=lambda one: one if isinstance(one, str) else "")
def test_a_start_of_another_kind(start: Any, got: str) -> None:
    wanted = "(4, 3, 2) of torch.float32 on cpu"
    with refused(f"start must have parts {wanted}, {wanted}, got", got.removeprefix("got"), "of the same layer"):
        states.reset(STATE, [0], start)


def test_states_that_do_not_join() -> None:
    for bad in ([], None, STATE[0]):
        with refused("states must be a list of at least one state, got"):
            states.join(bad)
    one = "(4, 3, 2) of torch.float32 on cpu"
    with refused(f"states[1] must have parts {one}, {one}, got {one}; give a state of the same layer"):
        states.join([STATE, STATE[0]])
    with refused("states[1] must have parts (4, 1, 2)", "got (4, 1, 5)"):
        states.join([STATE[0], torch.zeros(4, 5)])
    assert states.join([states.select(STATE, []), STATE])[0].shape == (4, 3, 2)


def test_names_that_are_not_those_of_the_parts() -> None:
    with refused("names must be those of the 2 parts of the state, got ('h',); give the layer's state_names"):
        states.to_tensors(STATE, ("h",))
    for names, got in ((("h", "h"), "('h', 'h')"), (None, "None"), (3, "3"), (("h", 1), "('h', 1)")):
        with refused("names must be those of the 2 parts of the state", f"got {got}", "give the layer's state_names"):
            states.to_tensors(STATE, names)  # type: ignore[arg-type]
    for tensors in ({"h": STATE[0]}, {"h": STATE[0], "c": STATE[0], "x": STATE[0]}, {}):
        with refused("tensors must be a dict of h, c, got", f"{sorted(tensors)}", "give the layer's state_names"):
            states.from_tensors(tensors, ("h", "c"))
    with refused("tensors must be a dict of h, c, got", "tensor("):
        states.from_tensors(STATE[0], ("h", "c"))
    with refused("a state must be a tensor", "got ['str']"):
        states.from_tensors({"h": "tensor"}, ("h",))


@pytest.mark.parametrize("bad", [0, -1, 2.5, True, "3"])
def test_a_batch_that_is_none(bad: Any) -> None:
    with refused("batch_size must be an integer >= 1", f"got {bad!r}"):
        LSTM(2, 3).initial(bad)

"""What RNN, LSTM and GRU refuse of what they may have beyond torch.nn's."""

from typing import Any

import pytest

import seqskip
from seqskip import GRU, LSTM, RNN
from seqskip.layers import TorchLayer
from tests.test_bad_input import NO_FRACTIONS, NO_INTEGERS, refused

BAD: list[tuple[type[TorchLayer], dict[str, Any], tuple[str, ...]]] = [
    (GRU, {"proj_size": 2}, ("proj_size needs an LSTM", "got 2 for GRU;", "use seqskip.LSTM")),
    (RNN, {"proj_size": 2}, ("proj_size needs an LSTM", "got 2 for RNN;")),
    (LSTM, {"proj_size": 4}, ("proj_size must be smaller than hidden_size", "got 4 with hidden_size=4")),
    (LSTM, {"proj_size": 2, "combine": "learned"}, ("proj_size needs h and c to have shares in common", "'gate'")),
    (
        GRU,
        {"zoneout": (0.1, 0.2)},
        ("zoneout must be one number, or one for each part of the state, h", "give 0.1 alone"),
    ),
    (LSTM, {"zoneout": (0.1, 2)}, ("each of zoneout must be a probability", "got 2")),
    (LSTM, {"zoneout": "0.1"}, ("zoneout must be a probability", "got '0.1'")),
    (RNN, {"layer_norm": 1}, ("layer_norm must be True or False", "got 1")),
    (RNN, {"learn_initial_state": None}, ("learn_initial_state must be True or False", "got None")),
]


@pytest.mark.parametrize(("kind", "options", "message"), BAD, ids=str)
def test_bad_arguments(kind: type[TorchLayer], options: dict[str, Any], message: tuple[str, ...]) -> None:
    with refused(*message):
        kind(2, 4, **({"delays": (1, 2)} | options))


@pytest.mark.parametrize("name", ["recurrent_dropout", "weight_dropout", "variational_dropout", "zoneout"])
@pytest.mark.parametrize("bad", NO_FRACTIONS)
def test_probabilities(name: str, bad: Any) -> None:
    with refused(f"{name} must be a probability", f"got {bad!r}", "use 0 for none"):
        LSTM(2, 3, **{name: bad})


@pytest.mark.parametrize("bad", NO_INTEGERS)
def test_projections(bad: Any) -> None:
    if bad != 0 or isinstance(bad, bool):
        with refused("proj_size must be an integer >= 0", f"got {bad!r}"):
            LSTM(2, 3, proj_size=bad)


def test_one_unit_is_not_normalised() -> None:
    with refused("layer_norm needs two or more units", "got hidden_size=1"):
        GRU(2, 1, layer_norm=True)


def test_a_cell_of_ones_own_has_no_extras() -> None:
    class Other(seqskip.cells.GRUCell):
        pass

    class OtherGRU(GRU):
        cell_type = Other

    with refused("zoneout needs a cell that knows it", "got Other"):
        OtherGRU(2, 3, zoneout=0.1)
    assert OtherGRU(2, 3).engines()[0][0] == "reference"

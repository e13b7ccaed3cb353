"""What a layer refuses of the arguments for skips through depth, sizes per layer, and taps of its input."""

from typing import Any

import pytest
import torch

import seqskip
from seqskip import GRU, LSTM, RNN, ResNet
from seqskip.recurrent import Recurrent
from tests.test_bad_input import NO_FRACTIONS, NO_INTEGERS, refused

NO_NUMBERS = [float("nan"), float("inf"), True, "0", [0.0], 1j]


@pytest.mark.parametrize("bad", [bad for bad in NO_INTEGERS if bad is not None])
def test_sizes_per_layer(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("hidden_size must be an integer >= 1", f"got {bad!r}"):
        layer_type(2, (3, bad), 2)


@pytest.mark.parametrize("bad", [(), (3,), (3, 4, 5)], ids=str)
def test_number_of_sizes(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("hidden_size given per layer must be num_layers=2 long", f"got {len(bad)}: {bad!r}"):
        layer_type(2, bad, 2)


@pytest.mark.parametrize("bad", [-1, 0.5, 1.0, True, None, "1", (0, -2), [[0], ["1"]]], ids=str)
def test_taps(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("input_delays must be integers >= 0", "got", "give an int, one tuple for all layers"):
        layer_type(2, 3, 2, input_delays=bad)


@pytest.mark.parametrize(
    ("bad", "parts"),
    [
        ((), ("input_delays must not be empty", "got ()", "use 0 for a layer that reads the present input")),
        ((1, 1), ("input_delays of one layer must differ", "got (1, 1)", "write each delay once")),
        (((0,), (1,), (2,)), ("input_delays given per layer must be num_layers=2 long", "got 3")),
    ],
    ids=str,
)
def test_sets_of_taps(layer_type: type[Recurrent], bad: Any, parts: tuple[str, ...]) -> None:
    with refused(*parts):
        layer_type(2, 3, 2, input_delays=bad)


@pytest.mark.parametrize("bad", [0.5, 0.999, 1e-9])
def test_delays_below_one_step(layer_type: type[Recurrent], bad: float) -> None:
    with refused("delays must be numbers >= 1", f"got {bad!r}", "use 1, or more, such as 1.5"):
        layer_type(2, 3, delays=(bad, 2))


@pytest.mark.parametrize("bad", [3, True, ["add"], object], ids=str)
@pytest.mark.parametrize("name", ["residual", "projection", "norm"])
def test_choices_of_another_kind(name: str, bad: Any) -> None:
    with refused(f"{name} must be one of", f"got {bad!r}"):
        GRU(2, 3, **{name: bad})


@pytest.mark.parametrize(
    ("name", "bad", "meant"),
    [
        ("residual", "highways", "highway"),
        ("residual", "Dense", "dense"),
        ("projection", "zero", "zeros"),
        ("projection", "Linear", "linear"),
        ("norm", "RMS", "rms"),
        ("norm", "batchnorm", "batch"),
        ("norm", "layernorm", "layer"),
    ],
)
def test_choices(layer_type: type[Recurrent], name: str, bad: str, meant: str) -> None:
    with refused(f"{name} must be one of", meant, f"got {bad!r}", f"did you mean {meant!r}?"):
        layer_type(2, 3, **{name: bad})


@pytest.mark.parametrize("bad", [0, 1, None, "yes"])
def test_norm_first_is_true_or_false(bad: Any) -> None:
    with refused("norm_first must be True or False", f"got {bad!r}"):
        LSTM(2, 3, norm="layer", norm_first=bad)


def test_norm_first_needs_a_norm() -> None:
    with refused("norm_first=True needs a norm", "got norm=None", "norm='layer'"):
        LSTM(2, 3, norm_first=True)


@pytest.mark.parametrize(
    "layer", [lambda **options: RNN(2, 3, 1, **options), lambda **options: ResNet(2, 3, 1, **options)]
)
def test_norm_first_needs_a_second_layer(layer: Any) -> None:
    with refused("norm_first=True needs num_layers >= 2", "got num_layers=1", "use norm_first=False"):
        layer(norm="rms", norm_first=True)


@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_one_feature_is_not_normalised_by_itself(layer_type: type[Recurrent], norm: str) -> None:
    for size, first in ((1, False), ((1, 3), True)):
        with refused(f"norm={norm!r} needs two or more features", "got 1", "use norm='batch', or more units"):
            layer_type(2, size, 2, norm=norm, norm_first=first)
    with refused(f"norm={norm!r} needs two or more features", "got 1"):
        seqskip.Residual(torch.nn.Linear(1, 1), norm=norm)
    assert layer_type(2, 1, norm="batch")(torch.randn(5, 4, 2))[0].std() > 0.1
    assert layer_type(1, 1, norm=norm, residual="dense").output_size == 2


@pytest.mark.parametrize("residual", [None, "dense"])
def test_a_projection_needs_what_it_projects(residual: str | None) -> None:
    with refused("projection='zeros' needs a shortcut", f"got residual={residual!r}", "residual='add'", "leave"):
        RNN(2, 3, residual=residual, projection="zeros")
    assert RNN(3, 4, 2, residual="dense", projection=None).output_size == 11


@pytest.mark.parametrize("bad", NO_NUMBERS, ids=str)
def test_residual_scale_is_a_number(bad: Any) -> None:
    with refused("residual_scale must be a finite number", f"got {bad!r}"):
        RNN(2, 3, residual="add", residual_scale=bad)


@pytest.mark.parametrize("bad", NO_FRACTIONS)
def test_stochastic_depth_is_a_probability(bad: Any) -> None:
    with refused("stochastic_depth must be a probability in [0, 1]", f"got {bad!r}"):
        RNN(2, 3, residual="add", stochastic_depth=bad)


@pytest.mark.parametrize("residual", [None, "highway", "dense"])
@pytest.mark.parametrize(("name", "value"), [("residual_scale", 0.0), ("stochastic_depth", 0.5)])
def test_what_needs_a_sum(name: str, value: float, residual: str | None) -> None:
    with refused(f"{name} needs residual='add'", f"got {name}={value} with residual={residual!r}", "use residual"):
        RNN(2, 3, residual=residual, **{name: value})


@pytest.mark.parametrize("residual", ["add", "highway"])
def test_sizes_without_a_bridge(layer_type: type[Recurrent], residual: str) -> None:
    with refused("projection must bridge", f"residual={residual!r}", "got None", "reads 2", "makes 3", "'linear'"):
        layer_type(2, 3, residual=residual, projection=None)
    with refused("projection='zeros' needs", "got 4 read and 3 made", "projection='linear'"):
        layer_type(4, 3, residual=residual, projection="zeros")
    with refused("projection must bridge", "reads 6", "makes 4"):
        layer_type(6, (3, 2), 2, residual=residual, projection=None, bidirectional=True)
    layer = layer_type(3, 3, 2, residual=residual, projection=None)
    assert not any("weight_residual" in name for name, _ in layer.named_parameters())


def test_segments_do_not_share_statistics() -> None:
    with refused("checkpoint_segments > 1 needs a norm of each step alone", "got norm='batch'", "norm='layer'"):
        GRU(2, 3, norm="batch", checkpoint_segments=2)


def test_delays_are_set_where_the_weights_fit(layer_type: type[Recurrent]) -> None:
    layer = layer_type(2, 3, 2, delays=(1, 4))
    for bad in (3, ((1, 4), (1, 2, 4))):
        with refused("delays can be set where the weights fit", "made with (1, 4)", "give 2 delays, or make a new"):
            layer.delays = bad
    assert layer.delays == ((1, 4),) * 2


def test_a_layer_without_a_cell_cannot_be_made() -> None:
    with pytest.raises(TypeError, match=r"abstract class Recurrent .*cell_type"):
        Recurrent(2, 3)

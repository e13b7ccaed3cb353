"""Which engine runs a layer: the context's, the environment's, the layer's own, or the best that can; and why."""

import threading
from dataclasses import replace

import pytest
import torch

import seqskip
from seqskip.cells import Cell, RNNCell
from seqskip.engines import ENGINES, choose, engine_name
from seqskip.recurrent import Recurrent
from tests.found import LAYERS


class OtherCell(RNNCell):
    """A recurrence that no engine has written out by hand: it may step as it likes."""


def other(*delays: int) -> Cell:
    return OtherCell(torch.ones(1, 1), torch.ones(1, len(delays)), None, None, delays=delays)


def test_cells_without_sweeps_are_folded_or_run_by_the_reference() -> None:
    for delays in ((1,), (1, 8), (2, 3)):
        name, reason = engine_name(other(*delays), "auto")
        assert (name, "no fast engine knows OtherCell" in reason) == ("reference", True)
        assert choose(other(*delays), "auto") is ENGINES["reference"]
    for delays, factor in (((4,), "4"), ((4, 6), "2")):
        name, reason = engine_name(other(*delays), "auto")
        assert (name, f"multiples of {factor}" in reason) == ("fold", True)
        assert choose(other(*delays), "auto") is ENGINES["fold"]


@pytest.mark.parametrize("name", ["torch", "native"])
def test_engines_by_hand_refuse_other_cells(name: str) -> None:
    with pytest.raises(
        ValueError, match=f"^backend='{name}' runs RNNCell, .* alone, got OtherCell; use backend='auto'"
    ):
        choose(other(1), name)


def test_automatic_choice_of_layers(layer_type: type[Recurrent]) -> None:
    layer = layer_type(2, 3, delays=(1, 8))
    assert layer.engines() == [("native", "compiled kernels, on torch's threads")]
    name, reason = layer.bfloat16().engines()[0]
    assert (name, "bfloat16" in reason) == ("torch", True)
    name, reason = layer.to("meta", torch.float32).engines()[0]
    assert (name, "weights are on meta" in reason) == ("torch", True)


def test_autocast_decides_with_which_type_a_layer_runs() -> None:
    layer = seqskip.LSTM(2, 3)
    with torch.autocast("cpu", torch.bfloat16):
        name, reason = layer.engines()[0]
        assert (name, "bfloat16" in reason) == ("torch", True)
        assert layer.double().engines()[0][0] == "native"


@pytest.mark.parametrize("kind", [{"dtype": torch.bfloat16}, {"device": "meta"}], ids=str)
def test_native_is_refused_where_it_cannot_run(kind: dict[str, object]) -> None:
    layer = seqskip.GRU(2, 3, backend="native").to(**kind)  # type: ignore[call-overload]
    x = torch.zeros(4, 1, 2).to(**kind)  # type: ignore[call-overload]
    with pytest.raises(ValueError, match=r"^backend='native' cannot run here: it .*; use backend='auto'$"):
        layer(x)


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_an_engine_is_forced_by_layer_environment_and_context(
    layer_type: type[Recurrent], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer = layer_type(2, 3, 2, delays=((1,), (4,)), backend=name)
    assert layer.engines() == [(name, f"forced by backend={name}")] * 2
    layer.backend = "reference"
    monkeypatch.setenv("SEQSKIP_BACKEND", name)
    assert layer.engines() == [(name, f"forced by SEQSKIP_BACKEND={name}")] * 2
    assert [block.forward.engine for block in layer.blocks()] == [ENGINES[name]] * 2
    monkeypatch.setenv("SEQSKIP_BACKEND", "reference")
    with seqskip.backend(name):
        assert layer.engines() == [(name, f"forced by seqskip.backend={name}")] * 2
    assert layer.engines()[0][0] == "reference"


def test_contexts_nest_and_end_with_an_error() -> None:
    layer = seqskip.RNN(1, 1)
    with seqskip.backend("fold"):
        with pytest.raises(KeyError), seqskip.backend("reference"):
            raise KeyError
        assert layer.engines()[0][0] == "fold"
        with seqskip.backend("auto"):
            assert layer.engines()[0][0] == "native"
    assert layer.engines()[0][0] == "native"


def test_a_context_is_of_its_thread() -> None:
    found = []
    with seqskip.backend("reference"):
        thread = threading.Thread(target=lambda: found.append(seqskip.RNN(1, 1).engines()[0][0]))
        thread.start()
        thread.join()
    assert found == ["native"]


def test_the_environment_may_ask_for_the_automatic_choice_or_be_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQSKIP_BACKEND", "auto")
    assert choose(other(4), "reference") is ENGINES["fold"]
    monkeypatch.setenv("SEQSKIP_BACKEND", "")
    assert choose(other(4), "reference") is ENGINES["reference"]


def test_unknown_engines_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"^backend must be .*got 'nativ'; did you mean 'native'\?"):
        seqskip.backend("nativ").__enter__()
    monkeypatch.setenv("SEQSKIP_BACKEND", "Folds")
    with pytest.raises(ValueError, match=r"^SEQSKIP_BACKEND must be .*got 'Folds'; did you mean 'fold'\?"):
        choose(other(4), "auto")


def test_a_subclass_of_a_known_cell_is_another_cell() -> None:
    layer = LAYERS[0](1, 1)
    known = layer.cell(0)
    assert choose(known, "auto") not in (ENGINES["fold"], ENGINES["reference"])
    assert choose(replace(other(1), delays=(1,)), "auto") is ENGINES["reference"]

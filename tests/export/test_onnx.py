"""ONNX files of every layer, and of every way to put layers together, in onnxruntime."""

from pathlib import Path

import pytest
import torch

import seqskip
from seqskip.layers import TorchLayer
from tests.contract import CASES, Case, one_layer, sample
from tests.export.helpers import File, answers, assert_alike
from tests.test_contract_module import each_class

OTHERS = ("mean", "learned")  # ways to combine delays that are not among those of AROUND
AROUND = [case for case in CASES if issubclass(case.layer_type, TorchLayer) and "combine" not in case.options]
COMBINED = [case for case in CASES if case.layer_type is seqskip.LSTM and case.options.get("combine") in OTHERS]
assert len(AROUND) > 8 and len(COMBINED) == 2, "no cases found: the names of the options have changed"


@each_class
def test_any_number_of_samples_and_steps_whole_and_in_chunks(case: Case, tmp_path: Path) -> None:
    layer = case.made(**one_layer(case)).eval()
    file = File(layer, tmp_path, state=True)
    assert file.inputs == ["x", *(f"{name}_0" for name in layer.state_names)]
    assert file.outputs == ["output", *(f"{name}_n" for name in layer.state_names)]
    for steps, batch in ((1, 3), (2, 1), (7, 2), (2000, 2)):
        x, state = sample(layer, steps, batch)
        whole = file(x, *state)
        assert_alike(whole, answers(layer, x, state))
    outputs, line = [], list(state)
    for piece in torch.split(x, [1, 2, 697, 1300]):
        output, *line = file(piece, *line)
        outputs.append(output)
    assert_alike([torch.cat(outputs), *line], whole)


@pytest.mark.parametrize("case", [*AROUND, *COMBINED], ids=str)
def test_whatever_stands_round_a_layer(case: Case, tmp_path: Path) -> None:
    layer = case.build(dtype=torch.float32)
    file = File(layer, tmp_path)
    for steps, batch in ((1, 3), (2, 1), (12, 2)):
        x, _ = sample(layer, steps, batch)
        assert_alike(file(x), answers(layer, x))


def test_two_directions_and_the_batch_first(tmp_path: Path) -> None:
    options = {"delays": (1, 3), "input_delays": (0, 2), "residual": "add", "bidirectional": True}
    layer = seqskip.LSTM(2, 3, 2, **options, batch_first=True).eval()
    file = File(layer, tmp_path, state=True)
    assert len(file.scans()) == 4
    lines = [[rows, "batch", width] for rows, width in layer.state_shapes()]
    assert [one.shape for of in file.ends for one in of] == [["batch", "time", 2], *lines, ["batch", "time", 6], *lines]
    for steps, batch in ((1, 3), (2, 1), (7, 2), (500, 2)):
        x = torch.randn(batch, steps, 2)
        line = [torch.randn(rows, batch, width) for rows, width in layer.state_shapes()]
        assert_alike(file(x, *line), answers(layer, x, line))


def test_without_a_state_a_sequence_begins_as_its_cells_do(tmp_path: Path) -> None:
    layer, x = seqskip.SkipLSTM(2, 3).eval(), torch.randn(7, 2, 2)
    torch.nn.init.normal_(layer.h_0_l0)
    assert_alike(File(layer, tmp_path)(x), answers(layer, x))


def test_double_precision(tmp_path: Path) -> None:
    layer = seqskip.GRU(2, 3, delays=(1, 2.5), dtype=torch.float64).eval()
    x = torch.randn(40, 2, 2, dtype=torch.float64)
    assert_alike(File(layer, tmp_path)(x), answers(layer, x), 1e-12)


def test_under_autocast_a_file_has_the_weights_as_they_are(tmp_path: Path) -> None:
    layer, x = seqskip.GRU(2, 3), torch.randn(7, 2, 2)
    with torch.autocast("cpu", torch.bfloat16):
        file = File(layer, tmp_path)
    assert_alike(file(x), answers(layer, x))


def test_one_loop_for_each_layer_and_nothing_of_where_it_was_made(tmp_path: Path) -> None:
    file = File(seqskip.Leaky(2, 3, 2, delays=(1, 4)), tmp_path)
    assert len(file.scans()) == 2
    assert b".py" not in file.bytes and b"site-packages" not in file.bytes
    assert not any(one.metadata_props or one.doc_string for scan in file.scans() for one in scan.attribute[0].g.node)


def test_the_file_answers_and_the_module_stays_as_it_is(tmp_path: Path) -> None:
    layer = seqskip.RNN(2, 3, 2, dropout=0.5, norm="batch").train()
    layer.norm_l0.eval()
    kept = {name: one.clone() for name, one in layer.state_dict().items()}
    file, modes = File(layer, tmp_path), [part.training for part in layer.modules()]
    assert modes == [True, False, True]
    assert all(torch.equal(one, kept[name]) for name, one in layer.state_dict().items())
    assert all(weight.requires_grad for weight in layer.parameters())
    x = torch.randn(5, 2, 2)
    assert_alike(file(x), answers(layer.eval(), x))

"""What models promise as torch modules, as layers do: copies, files, starts, the meta device and their text."""

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_model, save_model
from torch import Tensor, nn

import seqskip
from seqskip import SequenceModel
from tests.contract import Case, sample
from tests.test_contract_module import each_class


def made(readout: str = "last", device: str | None = None, **options: Any) -> SequenceModel:
    options = options or {"input_size": 3}
    core = seqskip.LSTM(4, 5, 2, delays=(2, 4), norm="batch", device=device)
    return SequenceModel(core, output_size=2, readout=readout, **options)


MODELS: dict[str, Callable[..., SequenceModel]] = {
    "numbers": made,
    "tokens": lambda **where: made("every", num_embeddings=7, **where),
    "fused": lambda **where: made("fused", **where),
    "dilated": lambda **where: seqskip.DilatedRNN(3, 2, 4, delays=[2, 4], cell="GRU", **where),
}
each_model = pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)


def some_input(model: SequenceModel) -> Tensor:
    return torch.randint(7, (2, 9)) if model.input_size is None else torch.randn(2, 9, model.input_size)


def through_a_file(module: nn.Module, other: nn.Module, folder: Path) -> nn.Module:
    save_model(module, str(folder / "a.safetensors"))  # refuses weights that share their numbers
    assert load_model(other, folder / "a.safetensors") == (set(), [])
    return other


@each_model
def test_copies_answer_the_same_with_weights_of_their_own(make: Callable[..., SequenceModel], tmp_path: Path) -> None:
    model = make().eval()
    x = some_input(model)
    expected = model(x)
    copies = [copy.deepcopy(model), pickle.loads(pickle.dumps(model)), through_a_file(model, make().eval(), tmp_path)]
    with torch.no_grad():
        for weight in model.parameters():
            weight.normal_()
    assert all(torch.equal(one(x), expected) and repr(one) == repr(model) for one in copies)
    assert not torch.equal(model(x), expected)


@each_class
def test_layers_go_through_safetensors(case: Case, tmp_path: Path) -> None:
    layer, other = case.build(), case.made(dtype=torch.float64).eval()
    x, state = sample(layer)
    expected = layer(x, state)[0]
    assert torch.equal(through_a_file(layer, other, tmp_path)(x, state)[0], expected)


@each_model
def test_a_seed_decides_the_start_on_the_meta_device_too(make: Callable[..., SequenceModel]) -> None:
    torch.manual_seed(3)
    expected = make().state_dict()
    model = make(device="meta").to_empty(device="cpu")
    torch.manual_seed(3)
    model.reset_parameters()
    found = model.state_dict()
    assert list(found) == list(expected) and all(torch.equal(one, expected[name]) for name, one in found.items())
    assert model(some_input(model)).isfinite().all()


def test_its_text_tells_the_readout() -> None:
    assert repr(made("every")).startswith("SequenceModel(\n  readout='every'\n")

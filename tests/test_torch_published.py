"""PyTorch's own published cases for torch.nn.RNN, LSTM and GRU, put to seqskip's layers."""

import copy
import functools
import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.rnn import PackedSequence

import seqskip
from tests.cut import with_gradients
from tests.test_torch_equality import assert_same

pytestmark = [
    pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning"),
    pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"]),
]
DTYPES = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)


@functools.cache
def published() -> dict[str, Any]:
    """Return what PyTorch's test of all its modules, test/test_modules.py, has for each layer."""
    with pytest.MonkeyPatch.context() as patch:
        # The import would forbid the whole process to set flags of torch.backends, as trainings do.
        patch.setattr(torch.backends, "disable_global_flags", lambda: None)
        from torch.testing._internal import common_modules
    return {info.module_cls.__name__: info for info in common_modules.module_db}


def cases(kind: str, dtype: torch.dtype, training: bool = True, packs: bool = False) -> Iterator[Any]:
    info, options = published()[kind], {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training}
    more = {"with_packed_sequence": True} if packs and kind != "LSTM" else {}
    yield from info.module_inputs_func(info, **options, **more)


def errors(kind: str, dtype: torch.dtype) -> Iterator[Any]:
    info, options = published()[kind], {"device": "cpu", "dtype": dtype, "requires_grad": False, "training": False}
    yield from info.module_error_inputs_func(info, **options)


def made(layers: Any, kind: str, case: Any, **options: Any) -> nn.Module:
    torch.manual_seed(2)
    arguments = case.constructor_input
    layer: nn.Module = getattr(layers, kind)(*arguments.args, **arguments.kwargs, **options)
    return layer


def flat(answer: Any) -> list[Tensor]:
    if isinstance(answer, PackedSequence):
        return [answer.data]
    return [answer] if isinstance(answer, Tensor) else [one for part in answer for one in flat(part)]


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@DTYPES
def test_answers_and_gradients(kind: str, dtype: torch.dtype, training: bool) -> None:
    for case in cases(kind, dtype, training, packs=True):
        found, given = [], case.forward_input
        for layers in (seqskip, nn):
            layer = made(layers, kind, case, dtype=dtype).train(training)
            answer = flat(layer(*given.args, **given.kwargs))
            own = [one for one in flat(given.args) if one.is_leaf]
            found.append(with_gradients(answer, [*own, *layer.parameters()]))
            if not isinstance(given.args[0], PackedSequence):
                torch.testing.assert_close(answer, flat(case.reference_fn(layer, *given.args, **given.kwargs)))
        # With inputs up to 9 torch.nn's own gradients are up to 1.7e-6 off those of float64, ours up to 1.3e-6.
        assert_same(*found, slack=4)


def answers(layer: nn.Module, *tensors: Tensor) -> list[Tensor]:
    """Return what a layer answers with tensors in the place of its input, its state if any, and its weights."""
    names = [name for name, _ in layer.named_parameters()]
    x, *state = tensors[: -len(names)]
    weights = dict(zip(names, tensors[-len(names) :], strict=True))
    return flat(functional_call(layer, weights, (x, tuple(state) if len(state) > 1 else state[0] if state else None)))


def spread(x: Tensor) -> Tensor:
    """Return the same numbers, no two of them side by side in memory."""
    return torch.stack((x, torch.zeros_like(x)), -1).detach()[..., 0].requires_grad_()


def test_tensors_that_are_not_contiguous(kind: str) -> None:
    for case in cases(kind, torch.float64):
        layer = made(seqskip, kind, case, dtype=torch.float64)
        tensors = [*flat(case.forward_input.args), *layer.parameters()]
        found = []
        for given in (tensors, list(map(spread, tensors))):
            found.append(with_gradients(answers(layer, *given), given))
        assert_same(*found)


@pytest.mark.parametrize("check", [torch.autograd.gradcheck, torch.autograd.gradgradcheck], ids=["first", "second"])
def test_derivatives(kind: str, check: Callable[..., bool]) -> None:
    """With what PyTorch's own tests ask of them beyond the usual: several gradients at once."""
    for case in itertools.islice(cases(kind, torch.float64), 0, None, 3):  # of every option all values
        layer = made(seqskip, kind, case, dtype=torch.float64)
        tensors = [*flat(case.forward_input.args), *layer.parameters()]
        run = functools.partial(lambda layer, *given: tuple(answers(layer, *given)), layer)
        assert check(run, tensors, fast_mode=True, check_batched_grad=True)


def test_copies_and_files(kind: str) -> None:
    for case in cases(kind, torch.float32):
        layer, given = made(seqskip, kind, case), case.forward_input
        file = io.BytesIO()
        torch.save(layer, file)
        file.seek(0)
        for other in (copy.deepcopy(layer), torch.load(file, weights_only=False)):
            other.flatten_parameters()
            torch.testing.assert_close(flat(other(*given.args)), flat(layer(*given.args)), rtol=0, atol=0)


@DTYPES
def test_errors(kind: str, dtype: torch.dtype) -> None:
    refused: Sequence[Any] = list(errors(kind, dtype))
    assert refused
    for error in refused:
        case = error.module_error_input
        # The kind of error alone: the messages are our own, and say what to do.
        with pytest.raises(error.error_type):
            made(seqskip, kind, case)(*case.forward_input.args)

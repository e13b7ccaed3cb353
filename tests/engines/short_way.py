"""Single steps with the way that they took."""

from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor

import seqskip
from seqskip.engines.stream import Stream
from seqskip.layers import TorchLayer
from seqskip.recurrent import Recurrent
from seqskip.streaming import short_way
from tests.found import Variant
from tests.strategies import as_parts, assert_close

X = torch.linspace(-1, 1, 6, dtype=torch.float64).view(2, 3)


def took(layer: Recurrent, x: Any, state: Any = None) -> tuple[Any, bool]:
    """Return what `layer.step` returns, and whether it came by the short way."""
    done = []
    run = Stream.run

    def spy(stream: Stream, *arguments: Any) -> Any:
        done.append(run(stream, *arguments))
        return done[-1]

    with patch.object(Stream, "run", spy):
        result = layer.step(x, state)
    return result, done[-1:] not in ([], [None])


def short(layer: Recurrent, x: Tensor, state: Any) -> tuple[Tensor, Any]:
    """Return what the short way gives, without gradients; it must be taken."""
    with torch.set_grad_enabled(_frozen(layer)):
        stream = short_way(layer, TorchLayer)
        assert stream is not None
        result = stream.run(layer._parameters, layer.backend, x, state)
    assert result is not None
    return result


def expected_step(layer: Recurrent, x: Tensor, state: Any) -> tuple[Tensor, Any]:
    """Return what the reference loop gives, without gradients."""
    with torch.no_grad(), seqskip.backend("reference"):
        return layer.step(x, state)


def _frozen(layer: Recurrent) -> bool:
    return not any(weight.requires_grad for weight in layer.parameters())


def build(variant: Variant, **options: Any) -> Recurrent:
    return variant.build(3, 4, delays=(1, 2), dtype=torch.float64, **options)


def long_way(layer: Recurrent, x: Tensor = X) -> Any:
    """Return what the long way gives, which must be taken."""
    result, short = took(layer, x)
    assert not short
    return result


def same(mine: Any, truth: Any) -> None:
    assert_close([mine[0], *as_parts(mine[1])], [truth[0], *as_parts(truth[1])])

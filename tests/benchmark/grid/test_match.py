"""How wide a net of so many weights is, against all widths tried one by one."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqskip import GRU, LSTM, RNN
from seqskip.benchmark.grid.match import MOST, WITHIN, matched


@settings(deadline=None)
@given(st.integers(1, 5), st.integers(0, 50), st.integers(0, 20), st.integers(100, 200_000))
def test_no_other_width_is_nearer(square: int, line: int, rest: int, target: int) -> None:
    def count(size: int) -> int:
        return square * size * size + line * size + rest

    nearest = min(range(1, 500), key=lambda size: abs(count(size) - target))
    if abs(count(nearest) - target) > WITHIN * target:
        with pytest.raises(ValueError, match="must be near what the model can have"):
            matched(count, target)
    else:
        assert abs(count(matched(count, target)) - target) == abs(count(nearest) - target)


@pytest.mark.parametrize("layer", [RNN, LSTM, GRU])
def test_layers(layer: type[RNN]) -> None:
    def count(size: int) -> int:
        return sum(weight.numel() for weight in layer(3, size, device="meta").parameters())

    size = matched(count, 20_000)
    with torch.device("cpu"):
        assert abs(count(size) - 20_000) <= WITHIN * 20_000


def test_more_than_a_model_can_have() -> None:
    with pytest.raises(ValueError, match=f"at most 4,096, which the model has with {MOST} units, got 5,000"):
        matched(lambda size: size, 5000)

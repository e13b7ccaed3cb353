"""How nets of any kind read a line of inputs."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU, LSTM, RNN, SequenceModel
from seqskip.analysis import shattering

GRID = torch.linspace(-2, 2, 256, dtype=torch.float64)


@pytest.mark.parametrize("batch_first", [False, True])
def test_a_recurrent_net_is_as_deep_as_its_sequence(batch_first: bool) -> None:
    """h_t = tanh(w h_{t-1} + u x_t): ∂h_T/∂x_1 = u w^(T-1) Π φ'(a_t) by the chain rule."""
    w, u, steps = 1.3, 0.7, 6
    layer = RNN(1, 1, bias=False, batch_first=batch_first)
    nn.init.constant_(layer.weight_hh_l0, w)
    nn.init.constant_(layer.weight_ih_l0, u)
    h = np.tanh(u * GRID.numpy())
    expected = u * (1 - h**2)
    for _ in range(steps - 1):
        h = np.tanh(w * h)
        expected *= w * (1 - h**2)
    np.testing.assert_allclose(shattering(layer, GRID, steps=steps).gradient, expected, rtol=1e-6)
    model = SequenceModel(layer, input_size=1, output_size=1)
    nn.init.constant_(model.head.weight, 1.0)
    np.testing.assert_allclose(shattering(model, GRID, steps=steps).gradient, expected, rtol=1e-6)


class Tagger(nn.Module):
    """A user's module around a recurrent layer: a linear head at every step, or at the last one."""

    def __init__(self, layer: nn.Module, every: bool = True) -> None:
        super().__init__()
        self.layer, self.head, self.every = layer, nn.Linear(5, 1, bias=False), every
        nn.init.constant_(self.head.weight, 1.0)

    def forward(self, x: Tensor) -> Tensor:
        answer: Tensor = self.head(self.layer(x)[0])
        return answer if self.every else answer[:, -1] if self.layer.batch_first else answer[-1]


@pytest.mark.parametrize("every", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("make", [nn.LSTM, GRU])
def test_a_module_around_a_recurrent_layer_is_as_deep_as_its_sequence(
    make: type[nn.Module], batch_first: bool, every: bool
) -> None:
    layer = make(3, 5, batch_first=batch_first)
    alone = shattering(layer, GRID, steps=6)
    np.testing.assert_allclose(shattering(Tagger(layer, every), GRID, steps=6).gradient, alone.gradient, rtol=1e-12)


def test_the_features_of_a_net_that_does_not_say_them() -> None:
    class Doubled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.GRU(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            answer: Tensor = self.layer(torch.cat((x, x), -1))[0]
            return answer

    with pytest.raises(ValueError, match=r"^net must read an input of shape \(6, 256, 4\), got Doubled .*; features=I"):
        shattering(Doubled(), GRID, steps=6)
    assert not shattering(Doubled(), GRID, steps=6, features=2).collapsed


class Summed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.GRU(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.as_tensor(self.layer(x)[0].sum())


def test_nets_that_cannot_be_read() -> None:
    with pytest.raises(ValueError, match=r"^features must be an integer >= 1, got 0"):
        shattering(nn.Linear(1, 1), GRID, features=0)
    with pytest.raises(ValueError, match=r"^net must read numbers .* behind the embedding"):
        shattering(nn.Sequential(nn.Embedding(3, 2), nn.GRU(2, 2)), GRID)
    with pytest.raises(ValueError, match=r"^net must answer with .* M=256 sequences of T=6 steps, got \(\)"):
        shattering(Summed(), GRID, steps=6)
    with pytest.raises(ValueError, match=r"^net must read numbers .*tokens; pass net.core"):
        shattering(SequenceModel(LSTM(2, 3), num_embeddings=4, output_size=1), GRID)

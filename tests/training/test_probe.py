"""The batch that the gradient decay of a training is measured on."""

from typing import Any

import pytest
import torch
from pytorch_lightning import LightningModule
from torch import Tensor, nn

from seqskip import RNN
from seqskip.training.probe import of_module


class Holder(LightningModule):
    """A module that holds a net and has no forward of its own."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net


class Folded(nn.Module):
    """Several sequences in each sample, (B, N, T, I)."""

    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.GRU(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x.flatten(0, 1))[0][:, -1]


TIME_FIRST, BATCH_FIRST = nn.LSTM(3, 4), nn.LSTM(3, 4, batch_first=True)


@pytest.mark.parametrize(
    ("net", "shape", "cut"),
    [
        (TIME_FIRST, (20, 6, 3), (20, 2, 3)),
        (TIME_FIRST, (6, 6, 3), (6, 2, 3)),
        (TIME_FIRST, (2, 6, 3), (2, 2, 3)),
        (TIME_FIRST, (3, 6, 3), (3, 2, 3)),
        (TIME_FIRST, (20, 1, 3), (20, 1, 3)),
        (TIME_FIRST, (20, 3), (20, 3)),
        (BATCH_FIRST, (6, 20, 3), (2, 20, 3)),
        (BATCH_FIRST, (6, 6, 3), (2, 6, 3)),
        (BATCH_FIRST, (1, 20, 3), (1, 20, 3)),
        (Folded(), (6, 5, 20, 3), (2, 5, 20, 3)),
    ],
)
def test_the_first_samples_are_cut_along_their_own_axis(
    net: nn.Module, shape: tuple[int, ...], cut: tuple[int, ...]
) -> None:
    x = torch.randn(shape)
    probe = of_module(Holder(net), "net", {"x": x}, 2)
    assert tuple(probe.x.shape) == cut
    assert torch.equal(probe.x, x[tuple(map(slice, cut))])
    assert probe.measure().log_norm.shape[-1] == (20 if 20 in shape else shape[net is BATCH_FIRST])


def test_looking_for_the_axis_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    net = nn.Sequential(nn.LSTM(3, 4))
    random: Any = torch.get_rng_state()
    of_module(Holder(net[0]), "net", torch.randn(9, 4, 3, generator=torch.Generator().manual_seed(0)), 2)
    assert torch.equal(torch.get_rng_state(), random)
    assert net[0].training


def test_a_net_that_has_no_twin_without_skips_is_measured_alone() -> None:
    x = torch.randn(9, 4, 3)
    for core, compared in ((RNN(3, 4, 2, delays=(1, 2)), True), (RNN(3, 4, 2, residual="dense"), False)):
        probe = of_module(Holder(core), "net", x, 2)
        assert (probe.measure_plain() is not None) == compared
        assert probe.measure().log_norm.shape[1] == 2

"""What combine="learned" has learned, and that it learns it."""

import pytest
import torch

from seqskip import LSTM, RNN
from tests.found import Variant
from tests.test_bad_input import refused


def test_the_report_is_the_softmax_of_the_weights(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, bidirectional=True, delays=((1, 2.5), (4, 1, 8)), combine="learned")
    reports = layer.learned_delays()
    places = [(report.layer, report.reverse, report.delays) for report in reports]
    assert places == [(0, False, (1, 2.5)), (0, True, (1, 2.5)), (1, False, (1, 4, 8)), (1, True, (1, 4, 8))]
    for report in reports:
        weight = getattr(layer, f"weight_delays_l{report.layer}{'_reverse' if report.reverse else ''}")
        torch.testing.assert_close(report.shares, torch.softmax(weight.detach(), 0))
        assert not report.shares.requires_grad


def test_mean_favourite_and_table_in_numbers() -> None:
    layer = LSTM(1, 2, delays=(1, 3, 10), combine="learned", dtype=torch.float64)
    shares = torch.tensor([[0.5, 0.1], [0.3, 0.1], [0.2, 0.8]], dtype=torch.float64)
    layer.weight_delays_l0.data = shares.log() + 3  # softmax takes no notice of what is added to all
    (report,) = layer.learned_delays()
    torch.testing.assert_close(report.mean, torch.tensor([3.4, 8.4], dtype=torch.float64))
    assert report.favourite.tolist() == [1, 10]
    assert str(report).splitlines() == [
        "layer 0: mean delay 5.9 steps over 2 units",
        "  delay  share  units",
        "      1  0.300      1",
        "      3  0.200      0",
        "     10  0.500      1",
    ]


def test_the_share_of_one_delay_is_not_learned() -> None:
    layer = LSTM(1, 2, 2, delays=((4,), (1, 4)), combine="learned")
    assert "weight_delays_l0" not in dict(layer.named_parameters())
    assert layer.learned_delays()[0].shares.tolist() == [[1, 1]]
    assert "weight_gate_hh_l0" not in dict(LSTM(1, 2, delays=4, combine="gate").named_parameters())


def test_half_precision_tells_long_delays_apart() -> None:
    layer = RNN(2, 4, delays=(1, 256, 257, 2.5), combine="learned", dtype=torch.bfloat16)
    layer.weight_delays_l0.data = torch.tensor([[0.0], [0.0], [0.0], [5.0]]).expand(4, 4).bfloat16()
    (report,) = layer.learned_delays()
    assert report.favourite.tolist() == [257] * 4 and report.mean.mean() == pytest.approx(253.7, abs=1)


@pytest.mark.parametrize("combine", ["sum", "mean", "gate"])
def test_other_ways_to_combine_have_learned_no_delays(combine: str) -> None:
    with refused("learned_delays needs combine='learned'", f"got combine='{combine}'"):
        RNN(2, 3, delays=(1, 2), combine=combine).learned_delays()


def test_training_finds_the_delay_that_matters() -> None:
    """Answer x_{t-5} of white noise: the state that is read most is read five steps back."""
    layer, head = RNN(1, 4, delays=range(1, 9), combine="learned"), torch.nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*layer.parameters(), *head.parameters()], lr=0.05)
    before = layer.learned_delays()[0].shares[4].mean()
    for _ in range(250):
        x = torch.randn(20, 16, 1)
        loss = (head(layer(x)[0])[5:] - x[:-5]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    (report,) = layer.learned_delays()
    unit = layer.weight_hh_l0.norm(dim=0).argmax()
    assert loss < 0.1
    assert report.favourite[unit] == 5
    assert report.shares[4, unit] > 0.5
    assert report.shares.mean(1).argmax() == 4
    assert report.shares[4].mean() > 2 * before

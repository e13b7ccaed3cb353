"""What is measured of every way to skip time or depth, and of cells of one's own, against plain autograd."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from seqskip import GRU, RHN, RNN, SequenceModel, Stack
from seqskip.analysis import gradient_decay
from seqskip.analysis.recording import record
from seqskip.analysis.zeros import Zero
from seqskip.cells import OwnHistory
from seqskip.layers import TorchLayer
from seqskip.recurrent import Recurrent
from tests.analysis.looped import Nodes, twin
from tests.analysis.models import whole
from tests.analysis.test_jacobian import jacobians
from tests.analysis.variants import CASES, WIRED, Chunks, build
from tests.unrolled import log_norms

STEPS, AT = 21, 18  # more than one piece of the way back, and an answer that is not the last one


def sequence(core: Recurrent, steps: int = STEPS) -> Tensor:
    return torch.randn(steps, 2, core.input_size, dtype=torch.float64)


def cubes(answer: Tensor) -> Tensor:
    return answer.pow(3).sum()  # the sum of what a norm answers is the same whatever it reads


def wrts(core: Recurrent) -> list[str]:
    return ["h", "state", "pre", "x", *(["c"] if "c" in core.state_names else [])]


@pytest.mark.parametrize("case", sorted(CASES))
def test_every_layer_and_lag(case: str) -> None:
    core = build(case)
    x = sequence(core)
    for wrt in wrts(core):
        if wrt == "h" and len(core.cell(0).widths) > 1 and not isinstance(core, TorchLayer):
            continue  # h_t.grad has the way through other parts that are made of it too: "state" tells
        measured = gradient_decay(core, x, AT, wrt=wrt).select(seed=0, answer=0)
        np.testing.assert_allclose(measured, log_norms(core, x, AT, wrt), rtol=0, atol=1e-9)


@pytest.mark.parametrize("size", [2, 8])
@pytest.mark.parametrize("case", sorted(CASES))
def test_chunks(case: str, size: int) -> None:
    core = build(case)
    model, x, nodes = Chunks(core, size), sequence(core, 13), Nodes()
    recording = record(model, x)
    torch.testing.assert_close(recording.answer, model(x), rtol=1e-12, atol=1e-12)
    cotangent = torch.randn_like(recording.answer)
    expected = nodes.gradients((twin(model, nodes)(x) * cotangent).sum())
    found = recording.pull(torch.stack([torch.randn_like(cotangent), cotangent]), whole, for_input=True)
    whole_sequence = record(core, x).pull(cotangent[None], whole, for_input=True)
    for mine, theirs, once in zip(found, expected, whole_sequence, strict=True):
        np.testing.assert_allclose(mine.seen.log_norm()[:, 2:], theirs.norm(dim=-1).log(), rtol=0, atol=1e-9)
        np.testing.assert_allclose(mine.x.log_norm()[:, 2:], once.x.log_norm(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", ["sizes", "taps-in-one", "dense", "own", "gate", "fast-rnn"])
def test_norms_of_the_whole_jacobian(case: str) -> None:
    core = build(case)
    x = sequence(core, 8)
    for wrt in wrts(core):
        measured = gradient_decay(core, x, wrt=wrt, norm="spectral").select(seed=0, answer=0)
        expected = [[torch.linalg.matrix_norm(one, 2).log() for one in layer] for layer in jacobians(core, x, wrt, 1)]
        np.testing.assert_allclose(measured[:, 1], expected, rtol=0, atol=1e-9)


def test_norms_by_probes_and_by_direction_of_uneven_layers() -> None:
    core = build("sizes")
    x = sequence(core, 12)
    exact = gradient_decay(core, x, wrt="c", norm="frobenius")
    probed = gradient_decay(core, x, wrt="c", norm="frobenius", probes=400)
    assert probed.log_error is not None
    there = np.isfinite(exact.log_norm)
    np.testing.assert_array_equal(np.isfinite(probed.log_norm), there)
    error = (probed.log_norm[there] - exact.log_norm[there]) / np.maximum(probed.log_error[there], 1e-9)
    assert np.sqrt(np.mean(error**2)) < 1.5
    direction = gradient_decay(core, x, norm="directional").select(seed=0, answer=0, layer=-1)
    spectral = gradient_decay(core, x, norm="spectral").select(seed=0, answer=0, layer=-1)
    assert (direction <= spectral + 1e-9).all() and np.allclose(direction[:, 0], 0)


@pytest.mark.parametrize("case", ["taps", "dense", "own-taps", "fast-grnn"])
def test_a_whole_model(case: str) -> None:
    model = SequenceModel(build(case), input_size=5, output_size=2).double()
    model.core.batch_first = False
    x = torch.randn(2, 11, 5, dtype=torch.float64)
    measured = gradient_decay(model, x, wrt="state").select(seed=0, answer=0)
    np.testing.assert_allclose(measured, log_norms(model, x, 10, "state"), rtol=0, atol=1e-9)


def test_stochastic_depth_is_drawn_once_and_as_the_model_would() -> None:
    core = RNN(3, 4, 3, delays=(1, 2), residual="add", stochastic_depth=0.6, norm="layer", dtype=torch.float64)
    x = torch.randn(12, 6, 3, dtype=torch.float64)
    torch.manual_seed(5)
    blocks = [block.drawn(6) for block in core.blocks()]
    assert any(bool((block.kept == 0).any()) for block in blocks if block.kept is not None)
    for wrt in ("h", "x"):
        torch.manual_seed(5)
        measured = gradient_decay(core, x, wrt=wrt, loss=cubes).select(seed=0, answer=0)
        expected = log_norms(core, x, 11, wrt, cubes, blocks)
        np.testing.assert_allclose(measured, expected, rtol=0, atol=1e-9)
    torch.manual_seed(5)
    answer, _ = core(x)
    torch.manual_seed(5)
    torch.testing.assert_close(record(core, x).answer, answer, rtol=1e-12, atol=1e-12)


def test_stochastic_depth_of_a_sum() -> None:
    core = GRU(3, 4, 3, residual="add", projection="linear", stochastic_depth=0.5, residual_scale=0.7).double()
    x = torch.randn(9, 4, 3, dtype=torch.float64)
    torch.manual_seed(2)
    blocks = [block.drawn(4) for block in core.blocks()]
    torch.manual_seed(2)
    measured = gradient_decay(core, x).select(seed=0, answer=0)
    np.testing.assert_allclose(measured, log_norms(core, x, 8, "h", blocks=blocks), rtol=0, atol=1e-9)


def test_batch_norm_in_training_is_refused_by_name() -> None:
    core = build("batch-norm").train()
    with pytest.raises(ValueError, match=r"got BatchNorm1d 'norm_l0' that normalises .* call model.eval\(\) first"):
        gradient_decay(core, sequence(core))


def test_the_mode_around_does_not_matter() -> None:
    for case in ("highway-norm", "own", "taps-norm"):
        core = build(case)
        x = sequence(core)
        expected = gradient_decay(core, x, wrt="x").log_norm
        with torch.inference_mode():
            np.testing.assert_array_equal(gradient_decay(core, x * 1, wrt="x").log_norm, expected)


class Noisy(nn.Module):
    """A cell that drops states anew in every step."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.read, self.drop = nn.Linear(input_size + hidden_size, hidden_size), nn.Dropout(0.5)

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return torch.tanh(self.read(self.drop(torch.cat((x, *history.mean()), -1))))


def test_a_step_that_draws_random_numbers_is_refused() -> None:
    core, x = Stack(Noisy, 2, 3), torch.randn(5, 2, 2)
    with pytest.raises(ValueError, match=r"^a step must draw no random numbers to be measured, got ModuleCell"):
        gradient_decay(core, x)
    assert np.isfinite(gradient_decay(core.eval(), x).log_norm).all()


def test_zeros_through_taps_and_uneven_delays_are_told_apart() -> None:
    core = RNN(3, 4, 2, delays=((4,), (6,)), input_delays=((0, 1), (3,)), dtype=torch.float64)
    decay = gradient_decay(core, sequence(core, 20), wrt="x")
    assert decay.zeros is not None
    upper, lower = (decay.zeros[0, layer, 0, 0] for layer in (1, 0))
    hops = {6 * k for k in range(4)}
    assert {int(n) for n in np.flatnonzero(upper == Zero.NONE)} == {n + 3 for n in hops if n + 3 < 20}
    below = {n + 3 + 4 * k + tap for n in hops for k in range(5) for tap in (0, 1)}
    assert {int(n) for n in np.flatnonzero(lower == Zero.NONE)} == {n for n in below if n < 20}
    assert not (decay.zeros == Zero.SATURATED).any()


@pytest.mark.parametrize("case", sorted(WIRED))
def test_no_zero_of_a_generic_net_is_called_a_path(case: str) -> None:
    core = build(case)
    decay = gradient_decay(core, sequence(core), wrt="x")
    assert decay.zeros is not None
    assert not (decay.zeros == Zero.SATURATED).any()


def test_a_saturated_layer_with_a_shortcut_is_no_structural_zero() -> None:
    core = RNN(3, 3, 2, residual="add", residual_scale=0.0, dtype=torch.float64)
    decay = gradient_decay(core, sequence(core, 6))
    assert decay.zeros is not None
    assert (decay.zeros == Zero.SATURATED).all()


def test_replacing_a_weight_is_seen() -> None:
    """Blocks are bound to the weights of the moment."""
    core = build("highway")
    before = gradient_decay(core, x := sequence(core)).log_norm
    with torch.no_grad():
        core.get_parameter("bias_highway_l1").fill_(30.0)
    after = gradient_decay(core, x)
    assert not np.allclose(after.log_norm[0, 0], before[0, 0])
    blocks = [replace(block) for block in core.blocks()]
    np.testing.assert_allclose(
        after.select(seed=0, answer=0), log_norms(core, x, STEPS - 1, "h", blocks=blocks), rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("delays", [1, (2, 4)], ids=str)
def test_masks_that_a_cell_draws_for_a_call_are_measured_as_drawn(delays: Any) -> None:
    core = RHN(3, 4, 2, delays=delays, recurrent_dropout=0.5, input_dropout=0.5, dtype=torch.float64)
    x = sequence(core, 9)
    torch.manual_seed(4)
    blocks = [block.drawn(2) for block in core.blocks()]
    for wrt in ("h", "x"):
        torch.manual_seed(4)
        measured = gradient_decay(core, x, wrt=wrt, at=[8, 5]).select(seed=0, answer=0)
        np.testing.assert_allclose(measured, log_norms(core, x, 8, wrt, blocks=blocks), rtol=0, atol=1e-9)

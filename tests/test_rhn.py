"""Recurrent Highway Networks: their masks, their start, what they refuse."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqskip import RHN
from seqskip.analysis import gradient_decay
from seqskip.cells import RHNCell
from seqskip.scan import unroll
from tests.literature.rhn import rhn
from tests.literature.written_out import Array, run
from tests.strategies import assert_close, few, fractions, inputs, multiples, seeds
from tests.test_bad_input import NO_FRACTIONS, NO_INTEGERS, refused

DROPS = {"input_dropout": 0.3, "recurrent_dropout": 0.5}


def masked(depth: int = 2, size: int = 4, **options: Any) -> RHN:
    layer = RHN(3, size, depth=depth, dtype=torch.float64, **(DROPS | options))
    with torch.no_grad():
        for weight in layer.parameters():
            weight.normal_(std=0.7)
    return layer


def drawn(layer: RHN, batch: int, seed: int) -> RHNCell:
    """Return the cell of the masks that a call after this seed draws."""
    torch.manual_seed(seed)
    cell = layer.blocks()[0].drawn(batch).forward.cell
    assert isinstance(cell, RHNCell)
    return cell


def numbers(mask: Tensor | None) -> Array:
    assert mask is not None
    return mask.numpy()


def called(layer: RHN, seed: int, *given: Any, **named: Any) -> tuple[Tensor, Tensor]:
    torch.manual_seed(seed)
    output, state = layer(*given, **named)
    return output, state


@pytest.mark.parametrize("backend", ["reference", "fold"])
@few
@given(st.data())
def test_one_pair_of_masks_acts_at_all_steps_and_layers_on_h_and_g(backend: str, data: st.DataObject) -> None:
    torch.manual_seed(data.draw(seeds))
    layer = masked(3, delays=data.draw(multiples | fractions), backend=backend)
    (x, (h,)), seed = data.draw(inputs(layer)), data.draw(seeds)
    cell = drawn(layer, x.size(1), seed)
    n_i, n_h = numbers(cell.mask_i), numbers(cell.mask_h)
    output, final = called(layer, seed, x, h)
    for b in range(x.size(1)):

        def step(now: Any, b: int = b) -> Any:
            return rhn(now, n_i[b], n_h[b])

        (expected,) = run(step, layer, x[:, b : b + 1].numpy(), (h[:, b : b + 1].numpy(),))
        np.testing.assert_allclose(output[:, b : b + 1].detach(), expected[len(h) :], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(final[:, b : b + 1].detach(), expected[-len(h) :], rtol=1e-12, atol=1e-12)


def test_masks_are_bernoulli_over_what_is_kept() -> None:
    cell = drawn(RHN(50, 40, depth=1, **DROPS), 100, seed=0)
    for mask, shape, p in ((cell.mask_i, (100, 50), 0.3), (cell.mask_h, (100, 40), 0.5)):
        assert mask is not None
        assert mask.shape == shape
        assert set(mask.unique().tolist()) == {0.0, float(torch.tensor(1 / (1 - p)))}
        assert float((mask == 0).float().mean()) == pytest.approx(p, abs=0.03)


def test_a_dropout_of_one_leaves_nothing_of_the_input() -> None:
    layer, x = masked(input_dropout=1.0, recurrent_dropout=0.0), torch.randn(5, 2, 3, dtype=torch.float64)
    assert_close([layer(x)[0]], [layer(torch.zeros_like(x))[0]])


@pytest.mark.parametrize("name", sorted(DROPS))
def test_each_dropout_draws_its_own_mask_alone(name: str) -> None:
    cell = drawn(RHN(3, 4, depth=2, **{name: 0.5}), 2, seed=0)
    assert (cell.mask_i is None) == (name == "recurrent_dropout")
    assert (cell.mask_h is None) == (name == "input_dropout")


def test_masks_are_drawn_in_training_once_for_each_call() -> None:
    layer, x = masked(), torch.randn(6, 2, 3, dtype=torch.float64)
    plain = masked(input_dropout=0.0, recurrent_dropout=0.0)
    plain.load_state_dict(layer.state_dict())
    assert not torch.equal(layer(x)[0], layer(x)[0])
    assert torch.equal(layer.eval()(x)[0], plain(x)[0])


def test_each_direction_draws_its_own() -> None:
    torch.manual_seed(0)
    (block,) = [block.drawn(5) for block in masked(bidirectional=True).blocks()]
    one, other = (direction.cell for direction in block.directions)
    assert isinstance(one, RHNCell) and isinstance(other, RHNCell)
    assert not np.array_equal(numbers(one.mask_h), numbers(other.mask_h))


def test_a_batch_that_is_cut_to_lengths_keeps_its_masks() -> None:
    layer, x = masked(delays=(2, 4)), torch.randn(7, 3, 3, dtype=torch.float64)
    whole, cut = (called(layer, 5, x, lengths=lengths)[0] for lengths in (None, [7, 3, 5]))
    for b, length in enumerate([7, 3, 5]):
        assert_close([cut[:length, b]], [whole[:length, b]])


@pytest.mark.parametrize("delays", [1, (2, 4)])
def test_masks_stay_over_checkpointed_segments(delays: Any) -> None:
    layer, x = masked(delays=delays), torch.randn(9, 2, 3, dtype=torch.float64)
    found = []
    for segments in (1, 4):
        layer.checkpoint_segments = segments
        output, _ = called(layer, 7, x)
        found.append([output, *torch.autograd.grad(output.square().sum(), list(layer.parameters()))])
    assert_close(found[1], found[0])


@pytest.mark.parametrize("delays", [1, (2, 4)])
def test_gradients_through_masks_equal_differences(delays: Any) -> None:
    layer, x = masked(size=2, delays=delays), torch.randn(5, 2, 3, dtype=torch.float64, requires_grad=True)
    names = [name for name, _ in layer.named_parameters()]

    def answer(x: Tensor, *weights: Tensor) -> Tensor:
        torch.manual_seed(3)
        output: Tensor = torch.func.functional_call(layer, dict(zip(names, weights, strict=True)), (x,))[0]
        return output

    assert torch.autograd.gradcheck(answer, (x, *layer.parameters()))


@pytest.mark.parametrize("delays", [1, (2, 4), (1.5, 3)])
def test_gradient_decay_in_training_is_that_of_the_masks_it_draws(delays: Any) -> None:
    layer, x = masked(delays=delays), torch.randn(8, 3, 3, dtype=torch.float64)
    cell = drawn(layer, 3, seed=11)
    torch.manual_seed(11)
    answers = (7, 4)  # two cotangents of each sample
    found = gradient_decay(layer, x, at=answers)
    history = unroll(cell, x, (torch.zeros(cell.depth, 3, 4, dtype=torch.float64),))
    for a, end in enumerate(answers):
        for lag in range(end + 1):
            state, top = history.at(end - lag)[0], history.at(end)[0].sum()
            (grad,) = torch.autograd.grad(top, state, retain_graph=True, materialize_grads=True, allow_unused=True)
            np.testing.assert_allclose(np.exp(found.log_norm[0, 0, :, a, lag]), grad.norm(dim=1), rtol=1e-9)


def test_gradient_of_the_input_passes_its_mask() -> None:
    layer, x = masked(delays=(2, 4)), torch.randn(8, 3, 3, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(2)
    found = gradient_decay(layer, x.detach(), wrt="x")
    (grad,) = torch.autograd.grad(called(layer, 2, x)[0][-1].sum(), x)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(found.log_norm[0, 0, :, 0, ::2], grad.norm(dim=2).log().T.flip(1)[:, ::2], rtol=1e-9)


def test_masks_follow_the_dtype_of_the_weights() -> None:
    cell = drawn(RHN(3, 4, depth=2, **DROPS), 2, seed=0).with_weights(Tensor.double)
    kinds = {tensor.dtype for tensor in (cell.mask_i, cell.mask_h, *cell.weights.values()) if tensor is not None}
    assert kinds == {torch.float64}


def test_start_is_that_of_the_authors() -> None:
    layer = RHN(20, 30, depth=3, transform_bias=-4.0)
    names = {f"{kind}_{n}_l0" for kind in ("Wh", "Wt", "bh", "bt") for n in range(3)}
    assert {name for name, _ in layer.named_parameters()} == names
    for name, weight in layer.named_parameters():
        if name.startswith("bt"):
            assert set(weight.tolist()) == {-4.0}
        else:
            assert weight.abs().max() <= 0.04
            assert float(weight.detach().std()) == pytest.approx(0.04 / 3**0.5, rel=0.3)
    assert layer.get_parameter("Wt_0_l0").shape == (50, 30)
    assert layer.get_parameter("Wt_1_l0").shape == (30, 30)


def test_closed_gates_carry_the_state_through_any_depth() -> None:
    layer, h = (
        RHN(3, 4, depth=10, transform_bias=-200.0, dtype=torch.float64),
        torch.randn(1, 2, 4, dtype=torch.float64),
    )
    output, _ = layer(torch.randn(30, 2, 3, dtype=torch.float64), h)
    assert_close([output[-1]], [h[0]])


@pytest.mark.parametrize("bad", NO_INTEGERS)
def test_depth_is_a_number_of_layers(bad: Any) -> None:
    with refused("depth must be an integer >= 1", f"got {bad!r}"):
        RHN(2, 3, depth=bad)


@pytest.mark.parametrize("bad", NO_FRACTIONS)
@pytest.mark.parametrize("name", sorted(DROPS))
def test_dropouts_are_probabilities(name: str, bad: Any) -> None:
    with refused(f"{name} must be a probability", f"got {bad!r}"):
        RHN(2, 3, **{name: bad})


def test_transform_bias_is_finite() -> None:
    with refused("transform_bias must be a finite number", "got nan"):
        RHN(2, 3, transform_bias=float("nan"))


def test_a_cell_without_masks_is_the_same_for_any_batch() -> None:
    cell = RHN(3, 4, depth=2).cell(0)
    assert cell.drawn(5) is cell
    assert replace(cell).repeated(3).weights.keys() == cell.weights.keys()

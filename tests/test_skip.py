"""Skip RNN: its gate, its start, and what it says and costs; tests/literature/skip.py holds its equations."""

import copy
import io
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import seqskip
import seqskip.cells.skip
from seqskip.cells.skip import straight_through_round
from seqskip.recurrent import Recurrent
from tests.cut import with_gradients
from tests.strategies import as_parts, assert_close, few, seeds
from tests.test_bad_input import NO_INTEGERS, refused

KINDS = (seqskip.SkipLSTM, seqskip.SkipGRU)
kinds = pytest.mark.parametrize("kind", KINDS)


def skipping(kind: type[Recurrent], *sizes: int, **options: Any) -> Any:
    """Return a float64 layer that updates now and then: a new one always does."""
    layer = kind(*(sizes or (2, 3)), dtype=torch.float64, **options)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if name.startswith("b_p"):
                weight.fill_(-1.0)
    return layer


def sequence(steps: int = 9, batch: int = 4, features: int = 2) -> Tensor:
    return torch.randn(steps, batch, features, dtype=torch.float64)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_the_round_is_exact_between_zero_and_one(dtype: torch.dtype) -> None:
    x = torch.cat((torch.linspace(0, 1, 1001), torch.tensor([0.5]))).to(dtype)
    assert torch.equal(straight_through_round(x), (x > 0.5).to(dtype))


def test_the_round_has_the_gradient_of_the_identity() -> None:
    x, weight = torch.rand(5, dtype=torch.float64, requires_grad=True), torch.randn(5, dtype=torch.float64)
    (first,) = torch.autograd.grad((straight_through_round(x).square() * weight).sum(), x, create_graph=True)
    assert_close([first], [2 * weight * x.detach().round()])
    (second,) = torch.autograd.grad(first.sum(), x)
    assert_close([second], [2 * weight])  # of u²: dead would be 0
    assert_close([torch.func.jacrev(straight_through_round)(x)], [torch.eye(5, dtype=torch.float64)])
    assert torch.equal(torch.func.vmap(straight_through_round)(x), x.round())


@kinds
@pytest.mark.parametrize("options", [{}, {"levels": 2}, {"delays": (1, 3)}], ids=str)
def test_gradients_are_those_of_a_gate_a_constant_away(
    kind: type[Recurrent], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    layer, x = skipping(kind, 1, 2, **options), sequence(5, 1, 1)
    weights = dict(layer.named_parameters())
    away: list[Tensor] = []

    def told(reached: Tensor) -> Tensor:
        away.append(reached.detach().round() - reached.detach())
        return straight_through_round(reached)

    monkeypatch.setattr(seqskip.cells.skip, "straight_through_round", told)
    mine = with_gradients([layer(x)[0], layer.budget_loss(0.3)], list(weights.values()))
    assert 0 < layer.share_of_updates() < 1

    def shifted(*values: Tensor) -> tuple[Tensor, Tensor]:
        left = iter(away)
        monkeypatch.setattr(seqskip.cells.skip, "straight_through_round", lambda reached: reached + next(left))
        output = torch.func.functional_call(layer, dict(zip(weights, values, strict=True)), (x,))[0]
        return output, layer.budget_loss(0.3)

    assert_close(mine, with_gradients(list(shifted(*weights.values())), list(weights.values())))
    assert torch.autograd.gradcheck(shifted, tuple(weights.values()))


@kinds
@pytest.mark.parametrize("levels", [1, 3])
@pytest.mark.parametrize("learned", [True, False])
def test_it_starts_with_an_update_from_what_it_learned(kind: type[Recurrent], levels: int, learned: bool) -> None:
    layer, x = skipping(kind, levels=levels, learn_initial_state=learned, delays=2), sequence()
    names = {name for name, _ in layer.named_parameters() if "_0_" in name}
    assert names == ({f"{part}_0_l0" for part in layer.cell_type.carries} if learned else set())
    start = []
    for name, (rows, width) in zip(layer.state_names, layer.state_shapes(), strict=True):
        part, _, below = name.partition("_")
        value = torch.tensor({"du": [1.0], "uc": [0.0]}.get(name, [0.0] * width)).double()
        if learned and part in ("h", "c"):
            every = getattr(layer, f"{part}_0_l0")
            value = every[:-1].flatten() if below else every[-1]
        start.append(value.expand(rows, 4, width))
    output, state = layer(x)
    output_given, state_given = layer(x, tuple(start))
    assert_close([output, *state], [output_given, *state_given])
    layer(x[:1])
    assert layer.share_of_updates() == 1
    output.sum().backward()
    assert all(weight.grad.count_nonzero() for weight in layer.parameters())


@kinds
def test_the_levels_of_a_layer_update_or_keep_all_together(kind: type[Recurrent]) -> None:
    layer, x = skipping(kind, levels=3), sequence(12, 1)
    state, seen = as_parts(layer.initial_state(x)), set()
    for x_t in x:
        _, after = layer.step(x_t, state)
        changed = {
            not torch.equal(old, new)
            for name, old, new in zip(layer.state_names, state, after, strict=True)
            if name[0] in "hc"
        }
        assert changed == {bool(layer.share_of_updates())}
        seen |= changed
        state = after
    assert seen == {True, False}


@kinds
@few
@given(seeds, st.integers(2, 4), st.booleans())
def test_one_delay_makes_interleaved_layers(kind: type[Recurrent], seed: int, delay: int, ends: bool) -> None:
    torch.manual_seed(seed)
    layer, x = skipping(kind, delays=delay), sequence(11)
    lengths = torch.randint(1, 12, (4,)) if ends else None
    results = []
    for layer.backend in ("reference", "fold"):
        output, _ = layer(x, lengths=lengths)
        results.append([output, layer.budget_loss(1.0), layer.share_of_updates()])
    assert_close(results[0], results[1])
    plain = skipping(kind)
    plain.load_state_dict(layer.state_dict())
    outputs, cost = torch.zeros_like(results[0][0]), torch.tensor(0.0).double()
    for phase in range(delay):
        own = None if lengths is None else (lengths - phase + delay - 1) // delay
        outputs[phase::delay] = plain(x[phase::delay], lengths=own)[0]
        cost = cost + plain.budget_loss(1.0)
    assert_close(results[0][:2], [outputs, cost])


@kinds
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "delays": ((1, 3), (2,)), "levels": 2}], ids=str)
def test_chunks_and_steps_give_and_cost_what_the_whole_does(kind: type[Recurrent], options: dict[str, Any]) -> None:
    layer, x = skipping(kind, **options), sequence()
    output, final = layer(x)
    cost = layer.budget_loss(0.1)
    for sizes in ([4, 5], [1] * 9):
        outputs, costs, state = [], [], None
        for piece in x.split(sizes):
            part, state = layer(piece, state)
            outputs.append(part)
            costs.append(layer.budget_loss(0.1))
        assert_close([torch.cat(outputs), *state, torch.stack(costs).sum()], [output, *final, cost])


@kinds
@pytest.mark.parametrize("both_ways", [False, True])
def test_padding_costs_nothing(kind: type[Recurrent], both_ways: bool) -> None:
    layer, x, lengths = skipping(kind, num_layers=2, bidirectional=both_ways), sequence(), [9, 0, 4, 1]
    layer(x, lengths=lengths)
    cost, share = layer.budget_loss(0.1), layer.share_of_updates()
    alone = []
    for b in (0, 2, 3):
        layer(x[: lengths[b], b])
        alone.append(layer.budget_loss(0.1))
    assert_close([cost], [torch.stack(alone).sum() / 4])
    assert float(share) == pytest.approx(cost.item() * 4 / 0.1 / (14 * 2 * (1 + both_ways)))


@kinds
@pytest.mark.parametrize("lengths", [None, [9, 0, 4, 1]])
def test_checkpointed_segments_cost_the_same(kind: type[Recurrent], lengths: list[int] | None) -> None:
    layer, x = skipping(kind, num_layers=2, delays=(1, 2)), sequence()
    found = []
    for layer.checkpoint_segments in (1, 3):
        output, _ = layer(x, lengths=lengths)
        found.append(with_gradients([output, layer.budget_loss(0.3)], list(layer.parameters())))
        found[-1].append(layer.share_of_updates())  # after a backward pass, which runs segments again
    assert_close(found[0], found[1])


@kinds
def test_a_layer_with_a_graph_can_be_copied_and_saved(kind: type[Recurrent]) -> None:
    layer, x = skipping(kind), sequence()
    output, _ = layer(x)
    file = io.BytesIO()
    torch.save(layer, file)
    file.seek(0)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer)), torch.load(file, weights_only=False)):
        with refused("updates are those of the layer's last call, got none yet"):
            twin.budget_loss(0.1)
        assert_close([twin(x)[0], twin.budget_loss(0.1)], [output, layer.budget_loss(0.1)])
    assert set(layer.state_dict()) == {name for name, _ in layer.named_parameters()}


@kinds
def test_the_start_is_the_authors(kind: type[Recurrent]) -> None:
    layer = kind(40, 30, levels=2)
    for name, weight in layer.named_parameters():
        start = {"b_p_l0": 1.0, "bg_l0": 1.0, "bg_above_l0": 1.0}.get(name, 0.0)
        if name[0] == "b":
            assert bool((weight == start).all())
        elif name[0] == "W":
            bound = (6 / sum(weight.shape[-2:])) ** 0.5
            assert 0.9 * bound < weight.abs().max().item() <= bound
        else:
            assert 0.5 < weight.std().item() < 1.5 and weight.shape == (2, 30)


@kinds
def test_bad_arguments(kind: type[Recurrent]) -> None:
    for bad in (-1.0, float("nan"), float("inf"), "1", True, None):
        with refused("cost_per_sample must be a finite number >= 0", f"got {bad!r}"):
            kind(2, 3, cost_per_sample=bad)
    for bad in NO_INTEGERS:
        with refused("levels must be an integer >= 1", f"got {bad!r}"):
            kind(2, 3, levels=bad)
    with refused("learn_initial_state must be True or False", "got 1"):
        kind(2, 3, learn_initial_state=1)
    layer: Any = kind(2, 3)
    for call in (layer.budget_loss, layer.share_of_updates):
        with refused("updates are those of the layer's last call", "call the layer on a sequence"):
            call()
    layer(torch.zeros(3, 2))
    with refused("cost_per_sample must be a finite number >= 0", "got -0.5"):
        layer.budget_loss(-0.5)


def test_repr_says_what_was_asked_for() -> None:
    assert "levels" not in repr(seqskip.SkipGRU(2, 3))
    layer = seqskip.SkipGRU(2, 3, levels=2, learn_initial_state=False, cost_per_sample=0.5)
    assert "levels=2, learn_initial_state=False, cost_per_sample=0.5" in repr(layer)

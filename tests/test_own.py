"""Layers of a cell of one's own: what the module sees, and what is refused."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seqskip import Stack
from seqskip.cells.module import OwnHistory
from tests.contract import Leaky, TwoParts
from tests.cut import with_gradients
from tests.strategies import assert_close
from tests.test_bad_input import refused


class Dropping(Leaky):
    """Draws a mask at every step."""

    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return nn.functional.dropout(super().step(x, history), 0.5, self.training)


@pytest.mark.parametrize("delays", [(1, 3), (2, 4), (3,), (1.5, 2)], ids=str)
def test_history_is_the_state_so_many_steps_ago(delays: tuple[float, ...]) -> None:
    class Summing(Leaky):
        def step(self, x: Tensor, history: OwnHistory) -> Tensor:
            assert history.delays == delays
            states = [history[d][0] for d in delays]
            torch.testing.assert_close(history.mean()[0], torch.stack(states).mean(0))
            return x + sum(n * state for n, state in enumerate(states, 1))

    layer = Stack(Summing, 1, 1, delays=delays, dtype=torch.float64)
    x = torch.randn(9, 2, 1, dtype=torch.float64)
    past = [torch.zeros(2, 1, dtype=torch.float64)] * 9
    for x_t in x:
        ago = [(past[-int(d)] + past[-int(d + 0.5)]) / 2 for d in delays]  # halves at most
        past.append(x_t + sum(n * state for n, state in enumerate(ago, 1)))
    torch.testing.assert_close(layer(x)[0], torch.stack(past[9:]), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("segments", [1, 3])
def test_what_a_step_draws_is_the_same_in_the_backward_pass(segments: int) -> None:
    layer = Stack(Dropping, 2, 3, checkpoint_segments=segments, dtype=torch.float64)
    x = torch.randn(6, 2, 2, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(3)
    output = layer(x)[0]
    torch.manual_seed(8)
    _, *found = with_gradients([output], [x, *layer.parameters()])
    torch.manual_seed(3)
    layer.checkpoint_segments = 1
    _, *expected = with_gradients([layer(x)[0]], [x, *layer.parameters()])
    assert_close(found, expected)


def test_a_state_of_several_parts_has_their_widths() -> None:
    layer = Stack(TwoParts, 2, 5, num_layers=2, delays=((3,), (1, 2)))
    output, (h, memory) = layer(torch.zeros(4, 6, 2))
    assert (output.shape, h.shape, memory.shape) == ((4, 6, 5), (5, 6, 5), (5, 6, 2))
    assert layer.state_names == ("h", "state_1")


@pytest.mark.parametrize("bad", [None, 3, "Leaky", Leaky(2, 3)], ids=lambda bad: type(bad).__name__)
def test_no_maker_of_modules(bad: Any) -> None:
    got = "got a Leaky" if isinstance(bad, nn.Module) else f"got {bad!r}"
    with refused("cell must make a module, cell(features, hidden_size)", got, "give its class"):
        Stack(bad, 2, 3)


class WithoutParameters(nn.Module):
    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return x + history.mean()[0]


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        (nn.Linear, "with step(x_t, history), got Linear"),
        (lambda *_: None, "torch.nn.Module with step(x_t, history), got NoneType"),
        (lambda *_: WithoutParameters(), "a module with parameters, got WithoutParameters without; register one"),
    ],
    ids=["no-step", "no-module", "no-parameters"],
)
def test_modules_that_are_no_cells(cell: Any, rule: str) -> None:
    with refused("cell must make", rule):
        Stack(cell, 2, 3)


def test_a_state_of_another_shape() -> None:
    class Wide(Leaky):
        def step(self, x: Tensor, history: OwnHistory) -> Tensor:
            return torch.zeros(len(x), 7)

    with refused("step of Wide must return a state of shapes [(4, 3)]", "got [(4, 7)]", "as state_sizes"):
        Stack(Wide, 2, 3)(torch.zeros(5, 4, 2))


def test_a_delay_that_the_layer_has_not() -> None:
    class Far(Leaky):
        def step(self, x: Tensor, history: OwnHistory) -> Any:
            return history[5]

    with refused("history must be read at the layer's delays (1, 4)", "got 5", "add it to them"):
        Stack(Far, 2, 3, delays=(1, 4))(torch.zeros(5, 4, 2))


class Answering(Leaky):
    """Answers whatever it is told to."""

    answer: Any

    def step(self, x: Tensor, history: OwnHistory) -> Any:
        return self.answer


@pytest.mark.parametrize(("answer", "got"), [(None, "NoneType"), (3.0, "float"), ((None,), "NoneType")], ids=str)
def test_a_step_that_returns_no_tensor_is_refused(answer: Any, got: str) -> None:
    layer = Stack(type("Own", (Answering,), {"answer": answer}), 2, 3)
    with refused("step of Own must return a state of shapes [(5, 3)]", f"got ['{got}']", "return hidden_size features"):
        layer(torch.zeros(4, 5, 2))


@pytest.mark.parametrize("sizes", [4, "ab", (), (-1,), (4, 0), (1.5,), None], ids=str)
def test_widths_that_are_none_are_refused(sizes: Any) -> None:
    with refused("state_sizes of Own must be a tuple of integers >= 1", f"got {sizes!r}", "such as (hidden_size"):
        Stack(type("Own", (Leaky,), {"state_sizes": sizes}), 2, 3)


def test_weights_are_drawn_anew_also_where_the_module_cannot_draw_them() -> None:
    layer = Stack(Leaky, 2, 3, 2, bidirectional=True)
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    layer.reset_parameters()
    assert not any(torch.equal(weight, before[name]) for name, weight in layer.state_dict().items())
    late = Stack(Leaky, 2, 3, device="meta").to_empty(device="cpu")
    for weight in late.parameters():
        nn.init.constant_(weight, float("nan"))
    late.reset_parameters()
    assert late(torch.randn(5, 1, 2))[0].isfinite().all()


class Widening(Leaky):
    def step(self, x: Tensor, history: OwnHistory) -> Tensor:
        return super().step(x, history).double()


def test_a_state_keeps_the_dtype() -> None:
    with refused("step of Widening must return a state of its input's dtype torch.float32", "got [torch.float64]"):
        Stack(Widening, 2, 3)(torch.zeros(4, 1, 2))


def test_history_is_no_sequence() -> None:
    history = OwnHistory((), (1, 4))
    with pytest.raises(TypeError, match="not iterable"):
        iter(history)
    with refused("history must be read at the layer's delays (1, 4)", "got 0", "history.mean()"):
        history[0]

"""When a single step takes the short way, and that it does not where something else has to happen."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.utils._python_dispatch import TorchDispatchMode

import seqskip
from seqskip.cells import Cell, RNNCell
from seqskip.engines.native import Unavailable
from seqskip.engines.native import step as native
from seqskip.recurrent import Recurrent
from tests.engines.short_way import X, build, expected_step, long_way, same, took
from tests.found import Variant
from tests.strategies import assert_close


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_without_gradients_it_is_taken(variant: Variant, mode: type[torch.no_grad]) -> None:
    layer = build(variant)
    with mode():
        result, short = took(layer, X)
        assert short
    same(result, expected_step(layer, X, None))


def test_gradients_need_the_long_way(variant: Variant) -> None:
    layer = build(variant)
    found = torch.autograd.grad(long_way(layer)[0].sum(), tuple(layer.parameters()))
    layer.backend = "reference"
    assert_close(found, torch.autograd.grad(layer.step(X)[0].sum(), tuple(layer.parameters())))


def test_forced_engines_are_respected(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    layer = build(variant)
    with torch.no_grad():
        for name, short in (("reference", False), ("torch", False), ("fold", False), ("native", True), ("auto", True)):
            with seqskip.backend(name):
                assert took(layer, X)[1] == short
            monkeypatch.setenv("SEQSKIP_BACKEND", name)
            assert took(layer, X)[1] == short
            monkeypatch.delenv("SEQSKIP_BACKEND")
            layer.backend = name
            assert took(layer, X)[1] == short


def test_without_kernels_there_is_the_long_way(variant: Variant, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(dtype: torch.dtype) -> None:
        raise Unavailable("no compiler")

    layer = build(variant)
    monkeypatch.setattr(native, "_kernel", none)
    with torch.no_grad():
        same(long_way(layer), expected_step(layer, X, None))


def test_hooks_are_called(variant: Variant) -> None:
    layer, calls = build(variant), []

    def hook(*arguments: Any) -> None:
        calls.append(arguments[0])

    registers: list[Callable[..., Any]] = [
        layer.register_forward_hook,
        layer.register_forward_pre_hook,
        nn.modules.module.register_module_forward_hook,
        nn.modules.module.register_module_forward_pre_hook,
    ]
    with torch.no_grad():
        for register in registers:
            with register(hook):
                long_way(layer)
        assert calls == [layer] * 4
        assert took(layer, X)[1]


def test_a_forward_of_its_own_is_called(variant: Variant) -> None:
    class Doubled(variant.layer_type):  # type: ignore[name-defined, misc]
        def forward(self, *arguments: Any, **options: Any) -> Any:
            output, state = super().forward(*arguments, **options)
            return 2 * output, state

    layer, plain = Doubled(3, 4, **variant.options).double(), variant.build(3, 4).double()
    plain.load_state_dict(layer.state_dict())
    with torch.no_grad():
        doubled = long_way(layer)[0]
        assert_close([doubled], [2 * plain.step(X)[0]])
        plain.forward = layer.forward  # type: ignore[method-assign]
        assert_close([long_way(plain)[0]], [doubled])


def test_blocks_and_checks_of_ones_own_are_used(variant: Variant) -> None:
    class Turned(variant.layer_type):  # type: ignore[name-defined, misc]
        def blocks(self) -> Any:
            return super().blocks()[::-1]

    class Choosy(variant.layer_type):  # type: ignore[name-defined, misc]
        def check_input(self, x: object) -> None:
            raise ValueError("not this one")

    turned = Turned(3, 3, 2, **variant.options, dtype=torch.float64)
    with torch.no_grad():
        same(long_way(turned), expected_step(turned, X, None))
        with pytest.raises(ValueError, match="not this one"):
            Choosy(3, 3, **variant.options).double().step(X)


def test_a_subclass_that_only_builds_otherwise_takes_it(variant: Variant) -> None:
    class Mine(variant.layer_type):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            super().__init__(3, 4, **variant.options, dtype=torch.float64)

    with torch.no_grad():
        assert took(Mine(), X)[1]


def test_cells_of_ones_own() -> None:
    class Other(RNNCell):
        def step(self, projected: Tensor, past: Any) -> tuple[Tensor, ...]:
            return (super().step(projected, past)[0] + 1,)

    class OtherLayer(Recurrent):
        cell_type = Other

    class Negative(seqskip.GRU):
        def cell(self, layer: int, suffix: str = "") -> Cell:
            return super().cell(layer, suffix).with_weights(torch.neg)

    with torch.no_grad():
        for layer in (OtherLayer(3, 4, dtype=torch.float64), Negative(3, 4, dtype=torch.float64)):
            same(long_way(layer), expected_step(layer, X, None))


def test_a_cell_that_checks_its_weights_is_not_built_without_them() -> None:
    @dataclass(frozen=True, eq=False)
    class Careful(RNNCell):
        def __post_init__(self) -> None:
            assert self.weight_ih.dim() == 2

    class CarefulLayer(Recurrent):
        cell_type = Careful

    layer = CarefulLayer(3, 4, dtype=torch.float64)
    with torch.no_grad():
        same(long_way(layer), expected_step(layer, X, None))


class Twice(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


@pytest.mark.parametrize("name", ["weight_hh_l0", "bias_ih_l0", "weight_residual_l0"])
def test_parametrized_weights(variant: Variant, name: str) -> None:
    layer = build(variant, residual="add")
    parametrize.register_parametrization(layer, name, Twice())
    with torch.no_grad():
        same(long_way(layer), expected_step(layer, X, None))


def test_weights_that_are_not_in_one_piece(variant: Variant) -> None:
    layer = build(variant)
    layer.weight_ih_l0.data = layer.weight_ih_l0.data.t().contiguous().t()
    with torch.no_grad():
        same(long_way(layer), expected_step(layer, X, None))


def test_autocast_and_other_types(variant: Variant) -> None:
    layer = variant.build(3, 4)
    with torch.no_grad():
        with torch.autocast("cpu", torch.bfloat16):
            assert long_way(layer, X.float())[0].dtype == torch.bfloat16
        assert long_way(layer.bfloat16(), X.bfloat16())[0].dtype == torch.bfloat16


def test_dropout_in_training(variant: Variant) -> None:
    layer = variant.build(3, 4, 2, dropout=1.0, bias=False, dtype=torch.float64)
    with torch.no_grad():
        second = long_way(layer)[0]
        assert_close([second], [layer.step(torch.zeros_like(X))[0]])
        assert took(layer.eval(), X)[1]


class Operations(TorchDispatchMode):
    """Counts the operations of torch that reach it."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


def test_modes_see_the_operation(variant: Variant) -> None:
    layer = build(variant)
    with torch.no_grad(), Operations() as seen:
        long_way(layer)
    assert any(name.startswith("seqskip.forward") for name in seen.names)


@pytest.mark.filterwarnings("ignore:`torch.jit.script`:DeprecationWarning")  # torch's own, of its first jvp
def test_transforms(variant: Variant) -> None:
    layer, xs = build(variant), torch.stack([X, -X, 2 * X])
    with torch.no_grad():
        expected = torch.stack([layer.step(x)[0] for x in xs])
        assert_close([torch.func.vmap(lambda x: layer.step(x)[0])(xs)], [expected])
        weights = {name: 2 * weight for name, weight in layer.named_parameters()}
        called = torch.func.functional_call(Stepping(layer), {f"layer.{n}": w for n, w in weights.items()}, X)
        layer.load_state_dict(weights)
        assert_close([called], [layer.step(X)[0]])
        _, tangent = torch.func.jvp(lambda x: layer.step(x)[0], (X,), (torch.ones_like(X),))
        step = 1e-6
        difference = (layer.step(X + step)[0] - layer.step(X - step)[0]) / (2 * step)
    torch.testing.assert_close(tangent, difference, rtol=1e-6, atol=1e-8)


class Stepping(nn.Module):
    def __init__(self, layer: Recurrent) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.step(x)[0]


def test_a_traced_graph_keeps_the_operation(variant: Variant) -> None:
    layer = build(variant)
    with torch.no_grad():
        graph = torch.fx.experimental.proxy_tensor.make_fx(lambda x: layer.step(x)[0])(X)
        assert any("seqskip.forward" in str(node.target) for node in graph.graph.nodes)
        assert_close([graph(-X)], [layer.step(-X)[0]])


@pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`")  # in seqskip.checks
def test_compiled(variant: Variant) -> None:
    layer = build(variant)
    step = torch.compile(Stepping(layer), backend="eager")
    with torch.no_grad():
        for x in (X, -X):
            assert_close([step(x)], [expected_step(layer, x, None)[0]])

"""Shortcuts round any module: what a stack has round each of its layers."""

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqskip import checks
from seqskip.depth.around import Around
from seqskip.depth.ends import Ends
from seqskip.depth.joins import Join
from seqskip.depth.places import Place, place_of
from seqskip.depth.wiring import Wiring


class Wrapper(nn.Module):
    """A module f with a shortcut: z = norm(join(x, f(x))), or z = join(x, f(norm(x))) with norm_first.

    f takes a tensor (..., I) or a PackedSequence and returns one with H features, alone or as the first of a tuple, as
    recurrent layers do. What it is called with beside x, such as a state or lengths, goes to f as it is, and what f
    returns beside its output comes back as it is.

    A module with an attribute `batch_first`, as recurrent and transformer layers have it, reads (T, B, I), or (B, T, I)
    where it is True, or one sample (T, I); any other reads (B, ..., I), or one sample (I,).

    Args:
        module: f.
        features: I; by default what the module's `in_features` or `input_size` says.
        size: H; by default what its `out_features` or `output_size` says, or a recurrent layer of torch.nn. Where
            nothing tells one of the two, it is taken to be the other; where nothing tells either, they must be equal.
        projection, norm, norm_first, residual_scale, stochastic_depth: as for `seqskip.recurrent.Recurrent`, for this
            one layer.

    Raises:
        ValueError: an argument breaks a rule, a weight depends on a size that nothing tells, or x or f(x) has another
            size or shape than it should.
    """

    def __init__(self, module: nn.Module, features: int | None, size: int | None, wiring: Wiring):
        super().__init__()
        if not isinstance(module, nn.Module):
            raise ValueError(f"module must be a torch.nn.Module, got {module!r}; make one whose forward is that")
        self.module = module
        self.wiring = wiring
        self._ends = Ends.of(module, features, size)
        self._allocate(*self._ends.for_weights(wiring, module))

    def _allocate(self, features: int, size: int) -> None:
        like = next((weight for weight in self.module.parameters() if weight.is_floating_point()), None)
        factory: dict[str, Any] = {} if like is None else {"device": like.device, "dtype": like.dtype}
        shapes = self.wiring.shapes(features, size)
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape, **factory)))
        self._names = tuple(shapes)
        self.norm = self.wiring.make_norm(features, size, factory)
        self._reset_join()

    @property
    def input_size(self) -> int | None:
        """The features of x, or None where nothing tells them."""
        return self._ends.features

    @property
    def output_size(self) -> int | None:
        """The features of z, or None where nothing tells them."""
        features, size = self._ends.features, self._ends.size
        return None if features is None or size is None else self.wiring.output_size(features, size)

    @property
    def batch_first(self) -> bool | None:
        """The module's, or that of its self_attn, as torch.nn's transformer layers have it; None where it has none."""
        attention = getattr(self.module, "self_attn", None)
        return getattr(self.module, "batch_first", getattr(attention, "batch_first", None))

    def reset_parameters(self) -> None:
        """Draw all weights anew: those of the shortcut, of the norm, and of the module where it can do that."""
        for part in (self.module, self.norm):
            if callable(reset := getattr(part, "reset_parameters", None)):
                reset()
        self._reset_join()

    def _reset_join(self) -> None:
        if (join := self._join(1)) is not None:
            self.wiring.reset_parameters(join)

    def _join(self, size: int) -> Join | None:
        return self.wiring.bind({name: getattr(self, name) for name in self._names}, size)

    def forward(self, x: Tensor | PackedSequence, *args: Any, lengths: Any = None, **kwargs: Any) -> Any:
        """Return z, or (z, ...) where the module returns a tuple; shapes as in the class docstring."""
        place = place_of(x, self.batch_first, lengths)
        self._ends.check_input(_rows(x))
        if (own := next(self.parameters(recurse=False), None)) is not None:
            checks.places("input", _rows(x), _rows(x).size(-1), own)
        read = place.read(x)  # (..., B, I)
        around = self._around(place, read)
        inner = place.write(around.read(read, place.lengths))
        answer = self.module(inner, *args, **self._passed(lengths), **kwargs)
        f, *beside = answer if _is_tuple(answer) else (answer,)
        _demand_packed_alike(f, x)
        self._ends.check_output(_rows(f), _rows(x), self.wiring)
        z = place.write(around.answer(read, place.read(f), place.lengths))
        return (z, *beside) if _is_tuple(answer) else z

    def _around(self, place: Place, read: Tensor) -> Around:
        drop = self.wiring.stochastic_depth if self.training else 0.0
        join = self._join(self._ends.size or read.size(-1))
        around = Around(join=join, norm=self.norm, norm_first=self.wiring.norm_first, drop_path=drop)
        drawn = around.with_kept(place.batch, 1, read)
        return replace(drawn, kept=place.spread(drawn.kept))

    def _passed(self, lengths: Any) -> Mapping[str, Any]:
        if lengths is None:
            return {}
        if "lengths" not in inspect.signature(self.module.forward).parameters:
            raise ValueError(
                f"lengths need a module that takes them, got {type(self.module).__name__}; give a PackedSequence, or "
                "wrap a layer of seqskip"
            )
        return {"lengths": lengths}

    def extra_repr(self) -> str:
        """Return the sizes, as far as they are known, and what was asked for beyond the kind of shortcut."""
        sizes = {"features": self._ends.features, "size": self._ends.size}
        shown = {name: value for name, value in sizes.items() if value is not None} | self.wiring.shown()
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


def _is_tuple(answer: object) -> bool:
    return isinstance(answer, tuple) and not isinstance(answer, PackedSequence)


def _demand_packed_alike(f: object, x: object) -> None:
    if isinstance(f, PackedSequence) != isinstance(x, PackedSequence):
        raise ValueError(
            f"the module's output must be packed where its input is, got {type(f).__name__} from {type(x).__name__}; "
            "wrap a module that answers as it is asked"
        )


def _rows(x: object) -> Any:
    return x.data if isinstance(x, PackedSequence) else x


class Residual(Wrapper):
    """A module with the residual connection z = V x + α f(x); the shortcut is that of `seqskip.depth.Add`.

    Arguments, shapes and errors are those of `seqskip.depth.Wrapper`.

    >>> Residual(torch.nn.Linear(3, 3))(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    >>> layer = Residual(torch.nn.LSTM(3, 8, batch_first=True), norm="layer", residual_scale=0.0)
    >>> output, (h, c) = layer(torch.zeros(5, 10, 3))
    >>> output.shape, layer.weight_residual.shape
    (torch.Size([5, 10, 8]), torch.Size([8, 3]))
    """

    def __init__(
        self,
        module: nn.Module,
        features: int | None = None,
        size: int | None = None,
        *,
        projection: str | None = "linear",
        residual_scale: float | None = None,
        norm: str | None = None,
        norm_first: bool = False,
        stochastic_depth: float = 0.0,
    ):
        wiring = Wiring("add", projection, norm, norm_first, residual_scale, stochastic_depth)
        super().__init__(module, features, size, wiring)


class Highway(Wrapper):
    """A module with a highway, z = t ⊙ f(x) + (1 - t) ⊙ V x; the shortcut is that of `seqskip.depth.HighwayJoin`.

    Arguments, shapes and errors are those of `seqskip.depth.Wrapper`.

    >>> Highway(torch.nn.Linear(3, 8))(torch.zeros(5, 3)).shape
    torch.Size([5, 8])
    """

    def __init__(
        self,
        module: nn.Module,
        features: int | None = None,
        size: int | None = None,
        *,
        projection: str | None = "linear",
        norm: str | None = None,
        norm_first: bool = False,
    ):
        super().__init__(module, features, size, Wiring("highway", projection, norm, norm_first))


class Dense(Wrapper):
    """A module with the dense connection z = [x, f(x)]; the shortcut is that of `seqskip.depth.DenseJoin`.

    Arguments, shapes and errors are those of `seqskip.depth.Wrapper`.

    >>> Dense(torch.nn.Linear(3, 8))(torch.zeros(5, 3)).shape
    torch.Size([5, 11])
    """

    def __init__(
        self,
        module: nn.Module,
        features: int | None = None,
        size: int | None = None,
        *,
        norm: str | None = None,
        norm_first: bool = False,
    ):
        super().__init__(module, features, size, Wiring("dense", None, norm, norm_first))

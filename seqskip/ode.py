"""The limit of ever more, ever smaller residual layers: an ordinary differential equation."""

import inspect
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from seqskip import checks

FIXED = (
    "euler",
    "midpoint",
    "heun2",
    "heun3",
    "rk4",
    "explicit_adams",
    "implicit_adams",
)  # steps of options["step_size"]
# Steps as rtol and atol ask for. Not "fehlberg2", which misses them by two decades.
ADAPTIVE = ("dopri8", "dopri5", "bosh3", "adaptive_heun")
OPTIONS = {  # of torchdiffeq; others it would leave out with a warning
    **dict.fromkeys(FIXED, ("step_size", "grid_constructor", "interp", "perturb")),
    **dict.fromkeys(
        ADAPTIVE, ("first_step", "safety", "ifactor", "dfactor", "max_num_steps", "step_t", "jump_t", "norm", "dtype")
    ),
}


class ODEBlock(nn.Module):
    """z(1) of dz/ds = f(z, s), z(0) = x, s in [0, 1]: the residual connection in the limit of infinitely many layers.

    A stack of L residual layers z_{l+1} = z_l + f(z_l, l/L) / L is Euler's method for it with steps of 1/L, and comes
    as close to it as a constant times 1/L. Solved by torchdiffeq: `pip install seqskip[ode]`.

    Source: Chen, Rubanova, Bettencourt & Duvenaud (2018, arXiv 1806.07366), eq. 2; with adjoint=True gradients by
    their algorithm 1.

    Inputs: x of shape (..., F), as f reads it. Outputs: z(1), of the same shape.

    Args:
        f: a module that gives dz/ds, in the shape of z, from z, or from z and the depth s, a tensor of shape ().
            A second parameter of its `forward` without a default is s.
        adjoint: gradients from a second equation, solved backwards: the memory does not grow with the steps, and they
            are as exact as both solutions. False: by backpropagation through the steps of the solver.
        method: "euler", "midpoint", "heun2", "heun3", "rk4", "explicit_adams" or "implicit_adams", whose steps are
            options={"step_size": ...}, by default one for all; "dopri8", "dopri5", "bosh3" or "adaptive_heun", which
            choose theirs.
        rtol, atol: the relative and the absolute error per step that these allow.
        options: of the method, as torchdiffeq has them.

    Raises:
        ImportError: torchdiffeq is not installed.
        ValueError: an argument breaks a rule, dz/ds has another shape than z, or no steps are small enough to solve it.
        AssertionError: torchdiffeq's own, from the backward pass of adjoint=True, where the second equation cannot be
            solved; adjoint=False has no such equation.

    >>> block = ODEBlock(torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.Tanh()))
    >>> block(torch.zeros(5, 3)).shape
    torch.Size([5, 3])
    """

    def __init__(
        self,
        f: nn.Module,
        *,
        adjoint: bool = False,
        method: str = "dopri5",
        rtol: float = 1e-6,
        atol: float = 1e-7,
        options: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        if not isinstance(f, nn.Module):
            raise ValueError(f"f must be a torch.nn.Module that gives dz/ds, got {f!r}; make one whose forward is that")
        _torchdiffeq()
        self.f = f
        self.adjoint = checks.boolean("adjoint", adjoint)
        self.method = checks.choice("method", method, (*FIXED, *ADAPTIVE))
        self.rtol, self.atol = checks.positive("rtol", rtol), checks.positive("atol", atol)
        self.options = _checked(options, self.method)
        self._reads_depth = _reads_depth(f)

    def forward(self, x: Tensor) -> Tensor:
        """Return z(1), shaped as x."""
        if not isinstance(x, Tensor) or not x.is_floating_point():
            got = x.dtype if isinstance(x, Tensor) else type(x).__name__
            raise ValueError(f"input must be a tensor of floating-point numbers, got {got}; use .float()")
        ends = torch.tensor([0.0, 1.0], device=x.device, dtype=x.dtype)
        if x.numel() == 0:  # no sample, no error to choose steps by
            return x + self._slope(ends[0], x)
        return self._solve(x, ends)

    def _solve(self, x: Tensor, ends: Tensor) -> Tensor:
        settings = {"rtol": self.rtol, "atol": self.atol, "method": self.method, **self._steps(ends)}
        try:
            found: Tensor = self._solver()(self._slope, x, ends, **settings)[-1]
        except AssertionError as error:
            if not any(cause in str(error) for cause in ("underflow in dt", "non-finite", "max_num_steps")):
                raise
            raise ValueError(
                f"dz/ds = f(z, s) must be solvable to rtol={self.rtol} and atol={self.atol} in {x.dtype}, but the "
                f"steps of {self.method} came to nothing ({error}); look for NaN or inf in the input and f, use "
                "float32 or float64, larger tolerances, or a method of fixed steps, such as 'rk4'"
            ) from error
        return found

    def _steps(self, ends: Tensor) -> dict[str, Any]:
        """Return the options of both solutions.

        Methods that choose their steps are to end one at the end: they would go on past it, and interpolate back by a
        formula of lower order than theirs.
        """
        if self.method not in ADAPTIVE:
            return {"options": self.options}
        own = dict(self.options or {})
        found: dict[str, Any] = {"options": {"step_t": ends[1:], **own}}
        if self.adjoint:  # the second equation runs from 1 to 0
            back = {name: value for name, value in own.items() if name not in ("step_t", "jump_t", "norm")}
            found["adjoint_options"] = {"step_t": ends[:1], **back}
        return found

    def _solver(self) -> Callable[..., Tensor]:
        module = _torchdiffeq()
        if not self.adjoint:
            return module.odeint  # type: ignore[no-any-return]
        weights = tuple(weight for weight in self.f.parameters() if weight.requires_grad)

        def solve(*args: Any, **options: Any) -> Tensor:
            return module.odeint_adjoint(*args, adjoint_params=weights, **options)  # type: ignore[no-any-return]

        return solve

    def _slope(self, s: Tensor, z: Tensor) -> Tensor:
        slope: Tensor = self.f(z, s) if self._reads_depth else self.f(z)
        if not isinstance(slope, Tensor) or slope.shape != z.shape:
            got = tuple(slope.shape) if isinstance(slope, Tensor) else type(slope).__name__
            raise ValueError(
                f"f must give dz/ds in the shape of z, {tuple(z.shape)}, got {got}; let it end as it began"
            )
        return slope

    def extra_repr(self) -> str:
        shown: dict[str, Any] = {"adjoint": self.adjoint, "method": self.method, "rtol": self.rtol, "atol": self.atol}
        shown |= {"options": self.options} if self.options else {}
        return ", ".join(f"{name}={value!r}" for name, value in shown.items())


def _checked(options: Mapping[str, Any] | None, method: str) -> dict[str, Any] | None:
    if options is None:
        return None
    if not isinstance(options, Mapping):
        raise ValueError(f"options must be a dict or None, got {options!r}; give one such as {{'step_size': 0.1}}")
    for name in options:
        checks.choice(f"options of method={method!r}", name, OPTIONS[method])
    if "step_size" in options and checks.positive("options['step_size']", options["step_size"]) > 1:
        raise ValueError(
            f"options['step_size'] must be a part of [0, 1], got {options['step_size']!r}; use one such as 0.1"
        )
    return dict(options)


def _reads_depth(f: nn.Module) -> bool:
    """Return whether a module must be given two things."""
    signature = inspect.signature(f.forward)
    for given in (("z",), ("z", "s")):
        try:
            signature.bind(*given)
        except TypeError:
            continue
        return len(given) == 2
    raise ValueError(
        f"f must read z, or z and s, got {type(f).__name__} whose forward needs "
        f"{', '.join(map(str, signature.parameters.values())) or 'nothing'}; wrap it in a module that reads these"
    )


def _torchdiffeq() -> ModuleType:
    try:
        import torchdiffeq
    except ImportError as error:
        raise ImportError("ODEBlock needs torchdiffeq, which is not installed; pip install seqskip[ode]") from error
    module: ModuleType = torchdiffeq
    return module

"""Shattered gradients: how alike the gradients at neighbouring inputs are (Balduzzi et al. 2017, arXiv 1702.08591)."""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.line import along_line
from seqskip.analysis.recording.found import refuse_mixing, unwrapped

Array = npt.NDArray[np.float64]
COLLAPSED = 1e-8  # a spread of the gradients relative to their size below which there is nothing to correlate
DRAWS = 256  # of noise, for the references


@dataclass(frozen=True, eq=False)
class Shattering:
    """The gradient of a net along a line of inputs, and how it correlates with itself (Balduzzi et al. 2017).

    Attributes:
        grid: the inputs x_1 ... x_M, (M,).
        gradient: g_i = ∂f/∂x at each, (M,).
        autocorrelation: R(k) = Σ_i z_i z_{i+k} / Σ_i z_i² for z = g - mean(g) and k = 0 ... K grid steps, (K + 1,);
            nan where the gradient has collapsed.
        white: the mean R(k) of white noise on M points, what a wholly shattered gradient has.
        brown: the mean R(k) of brown noise, its cumulative sum, what that of a shallow net is like.
    """

    grid: Array
    gradient: Array
    autocorrelation: Array
    white: Array
    brown: Array

    @property
    def collapsed(self) -> bool:
        """Whether the gradient is next to the same everywhere, or next to zero: it has no autocorrelation then."""
        return bool(np.isnan(self.autocorrelation[0]))

    def __str__(self) -> str:
        if self.collapsed:
            return f"collapsed: the gradient is {'the same' if self.gradient.any() else '0'} at all inputs"
        found, white, brown = (one[1] for one in (self.autocorrelation, self.white, self.brown))
        return f"autocorrelation at 1 grid step {found:.3f} (white noise {white:.3f}, brown {brown:.3f})"


def shattering(
    net: nn.Module, grid: Tensor | Array, *, steps: int = 1, lags: int = 15, features: int | None = None
) -> Shattering:
    """Measure the autocorrelation of a net's input gradient along a line of M inputs.

        R(k) = Σ_i z_i z_{i+k} / Σ_i z_i²,   z = g - mean(g),   g_i = ∂f/∂x(x_i)

    f is the sum of the net's outputs. A net of any kind reads (M, I), each input being x_i in all I features. One
    with recurrent layers in it reads sequences whose first step is x_i and whose other steps are zero, (M, T, I), or
    (T, M, I) where its first recurrent layer has batch_first=False; f is then the sum of the output at the last
    step, and `steps` is the depth. Computed in float64 on a copy: nothing of the net is touched; its mode, training
    or evaluation, stays. Source: Balduzzi et al. 2017, arXiv 1702.08591.

    Args:
        net: the net.
        grid: x_1 < ... < x_M at equal distances, (M,), M > lags.
        steps: the length T of the sequences.
        lags: the largest K, grid steps.
        features: I; by default that of the first linear or recurrent layer in the net.

    Raises:
        ValueError: the grid is too short, not one-dimensional, not ascending or not finite, the net cannot read such
            inputs or answers in another shape, the gradient is NaN or infinite, the output does not depend on the
            input, or a layer such as BatchNorm mixes the inputs of a batch.
    """
    checks.integer("steps", steps, 1)
    points = _ascending(torch.as_tensor(grid, dtype=torch.float64), checks.integer("lags", lags, 1))
    inner = unwrapped(net)
    refuse_mixing(inner)
    like = next(inner.parameters(), points)
    with torch.random.fork_rng(_cuda(like)):
        gradient = input_gradient(along_line(copy.deepcopy(inner).double(), steps, features), points.to(like.device))
    if not bool(gradient.isfinite().all()):
        raise ValueError("the gradient must be finite at every input, got NaN or inf; look at the weights")
    found: Array = gradient.cpu().numpy()
    return Shattering(points.numpy(), found, autocorrelation(found, lags), *noise(len(points), lags))


def _ascending(points: Tensor, lags: int) -> Tensor:
    if points.dim() != 1 or len(points) <= lags:
        raise ValueError(f"grid must have shape (M,) with M > lags={lags}, got {tuple(points.shape)}")
    if not bool(points.isfinite().all()):
        raise ValueError("grid must hold finite numbers, got NaN or inf; use torch.linspace")
    if not bool((points.diff() > 0).all()):
        raise ValueError("grid must ascend, x_1 < ... < x_M, got one that does not; sort it, or use torch.linspace")
    return points


def autocorrelation(gradient: Array, lags: int) -> Array:
    """Return R(k) = Σ_i z_i z_{i+k} / Σ_i z_i², z = g - mean(g), for k = 0 ... lags; nan for a collapsed gradient.

    Source: Balduzzi et al. 2017, arXiv 1702.08591.

    Args:
        gradient: g_i at each input, (M,).
        lags: the largest k, grid steps; the result has shape (lags + 1,), a number without unit.
    """
    z = gradient - gradient.mean()
    size = np.abs(gradient).max()
    if size == 0 or z.std() < COLLAPSED * size:
        return np.full(lags + 1, np.nan)
    z = z / np.abs(z).max()
    found: Array = np.array([(z[: len(z) - k] * z[k:]).sum() for k in range(lags + 1)]) / (z * z).sum()
    return found


def noise(points: int, lags: int) -> tuple[Array, Array]:
    """Return the mean autocorrelation of white and of brown noise on so many points, each (lags + 1,)."""
    white = np.random.default_rng(0).standard_normal((DRAWS, points))
    found = [np.mean([autocorrelation(one, lags) for one in draws], 0) for draws in (white, white.cumsum(1))]
    return found[0], found[1]


def input_gradient(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return ∂f/∂x at every input in x, in its shape: each has numbers of its own, so their sum has all gradients.

    Raises:
        ValueError: f does not depend on x.
    """
    with torch.inference_mode(False), torch.enable_grad():
        inputs = x.clone().requires_grad_()
        value = f(inputs).sum()
        if not value.requires_grad:
            raise ValueError("the output must depend on the input, got a net without a path; look for .detach()")
        (gradient,) = torch.autograd.grad(value, inputs, allow_unused=True, materialize_grads=True)
    return gradient


def _cuda(like: Tensor) -> list[int]:
    return [like.device.index or 0] if like.device.type == "cuda" else []

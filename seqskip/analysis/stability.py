"""Whether the Euler steps of a recurrent net are stable, along the states that an input drives it through."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.func import vjp, vmap

from seqskip import checks
from seqskip.analysis.augmented import Augmented, augmented
from seqskip.cells import EulerCell
from seqskip.history import History
from seqskip.stack import Block

Array = npt.NDArray[np.float64]
ROUNDING = 8 * 2.0**-52  # relative to 1, as |1 + ελ| is held against it


@dataclass(frozen=True, eq=False)
class Stability:
    """The Jacobians J = ∂f/∂h of each layer's h_t = h̄_t + ε f(x_t, h̄_t), at the states it passed through.

    Many steps with one J let no small change of the state grow without bound where |1 + ελ| < 1 for all its eigenvalues
    λ, forward Euler's region of stability, at whose edge Chang et al. (2019, arXiv 1902.09689) want a net to be; with
    several delays, whose mean h̄_t is, no change grows there either. A single step may stretch one where J is not
    normal, and so may a product of steps whose J differ: `lyapunov` measures that.

    Attributes:
        eigenvalues: λ of each layer, (M, B, H) for M measured steps and B samples; 0 for parts that are 0 to rounding.
        step_sizes: ε of each layer.
    """

    eigenvalues: tuple[npt.NDArray[np.complex128], ...]
    step_sizes: tuple[float, ...]

    @property
    def largest_real_part(self) -> Array:
        """The largest Re λ of each layer, (L,), per unit of s = tε: above 0, what is solved is itself unstable."""
        return np.array([values.real.max() for values in self.eigenvalues])

    @property
    def spectral_radius(self) -> Array:
        """The largest |1 + ελ| of each layer, the spectral radius of I + εJ, (L,)."""
        return np.array([growth.max() for growth in self._growth()])

    @property
    def stable_share(self) -> Array:
        """The share of the steps and samples of each layer at which |1 + ελ| ≤ 1 for all λ, (L,)."""
        return np.array([(growth <= 1 + ROUNDING).mean() for growth in self._growth()])

    @property
    def largest_stable_step(self) -> Array:
        """The largest ε with |1 + ελ| ≤ 1 for all λ that were met in each layer, (L,); 0 for none, inf for any.

            min over λ of -2 Re λ / |λ|²

        The λ are those met with the present ε: another one leads through other states.
        """
        return np.array([_largest_step(values) for values in self.eigenvalues])

    def _growth(self) -> list[Array]:
        pairs = zip(self.eigenvalues, self.step_sizes, strict=True)
        return [np.abs(1 + size * values).max(-1) for values, size in pairs]

    def __str__(self) -> str:
        head = f"{'layer':<8}{'step size':>12}{'max Re λ':>14}{'max |1+ελ|':>14}{'stable':>10}{'largest step':>15}"
        columns = (self.step_sizes, self.largest_real_part, self.spectral_radius, self.stable_share)
        rows = zip(*columns, self.largest_stable_step, strict=True)
        lines = [
            f"{f'l{n}':<8}{size:>12.4g}{real:>14.4g}{radius:>14.6f}{share:>10.1%}{largest:>15.4g}"
            for n, (size, real, radius, share, largest) in enumerate(rows)
        ]
        return "\n".join([head, *lines])


def stability(model: nn.Module, x: Tensor, *, every: int = 1) -> Stability:
    """Measure whether Euler steps are stable: the eigenvalues of ∂f/∂h at each step of h_t = h̄_t + ε f(x_t, h̄_t).

    Everything is float64, from a state of zeros; dropout is off, and no `.grad` or buffer is touched. It takes an
    H by H matrix and its eigenvalues for each measured step and sample.

    Args:
        model: `EulerRNN` or `AntisymmetricRNN`, or a `SequenceModel` of them.
        x: input, laid out as the model reads it.
        every: measure each so-many-th step, the last one among them.

    Returns:
        The eigenvalues, and what they say of the step size.

    Raises:
        ValueError: the model has other layers or reads in two directions, the input has the wrong shape, a state is
            not finite.

    >>> from seqskip import AntisymmetricRNN
    >>> layer = AntisymmetricRNN(2, 3, step_size=0.1, diffusion=0.0)
    >>> bool(stability(layer, torch.randn(20, 4, 2)).largest_real_part <= 0)
    True
    """
    checks.integer("every", every, 1)
    device = x.device.type if isinstance(x, Tensor) else "cpu"
    with torch.inference_mode(False), torch.autocast(device, enabled=False):
        net, z = augmented(model, x, "stability")
        found = []
        for n, (block, cell) in enumerate(zip(net.blocks, _cells(net), strict=True)):
            values, z = _layer(block, cell, z, every)
            _demand_finite(z, n)
            found.append(values)
    return Stability(tuple(found), tuple(cell.step_size for cell in _cells(net)))


def _cells(net: Augmented) -> list[EulerCell]:
    cells = []
    for cell in (block.forward.cell for block in net.blocks):
        if not isinstance(cell, EulerCell):
            raise ValueError(
                f"model must be of layers that take Euler steps, got {type(cell).__name__}; use EulerRNN or "
                "AntisymmetricRNN, or `lyapunov`, which measures how small changes grow in any layer"
            )
        cells.append(cell)
    return cells


@torch.no_grad()
def _layer(block: Block, cell: EulerCell, x: Tensor, every: int) -> tuple[npt.NDArray[np.complex128], Tensor]:
    """Return the eigenvalues of one layer, (M, B, H), and its output."""
    projected, size = cell.project(block.forward.read(block.read(x))), cell.hidden_size
    history, found = History((x.new_zeros(cell.depth, x.size(1), size),)), []
    for t, now in enumerate(projected.unbind(0)):
        if (len(projected) - 1 - t) % every == 0:
            found.append(_eigenvalues(jacobian(cell, now, cell.carried(history)[0])))
        history.append(cell.step(now, history))
    return torch.stack(found).cpu().numpy(), block.answer(x, history.since_start(part=0))


def jacobian(cell: EulerCell, projected: Tensor, h: Tensor) -> Tensor:
    """Return ∂f/∂h of each sample, (B, H, H), at a projected input (B, P) and a state (B, H)."""
    back = vjp(lambda state: cell.slope(projected, state), h)[1]
    rows = torch.eye(h.size(1), dtype=h.dtype, device=h.device).unsqueeze(1).expand(-1, len(h), -1)  # (H, B, H)
    pulled: Tensor = vmap(lambda cotangents: back(cotangents)[0], out_dims=1)(rows)
    return pulled


def _eigenvalues(matrices: Tensor) -> Tensor:
    """Return the eigenvalues of (B, H, H); what is 0 to rounding, the whole or its real part, is 0."""
    if not bool(matrices.isfinite().all()):
        return torch.full(matrices.shape[:2], torch.nan, dtype=torch.complex128)
    values: Tensor = torch.linalg.eigvals(matrices)
    noise = matrices.size(-1) * ROUNDING * torch.linalg.matrix_norm(matrices).unsqueeze(-1)
    real, imaginary = (torch.where(part.abs() <= noise, 0, part) for part in (values.real, values.imag))
    return torch.complex(real, imaginary)


def _largest_step(values: npt.NDArray[np.complex128]) -> float:
    moving = values[values != 0]
    limits = -2 * moving.real / np.abs(moving) ** 2
    return max(0.0, float(limits.min(initial=math.inf)))


def _demand_finite(z: Tensor, layer: int) -> None:
    if bool((good := z.isfinite().flatten(1).all(1)).all()):
        return
    step = int((~good).nonzero()[0])
    raise ValueError(
        f"states must be finite to have a Jacobian, got NaN or inf in layer l{layer} from time step {step} on; look at "
        "the input and the weights there, or use a smaller step_size"
    )

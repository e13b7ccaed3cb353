"""Layers that are forward Euler steps in time: the residual RNN and the AntisymmetricRNN."""

from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import NONLINEARITIES, AntisymmetricCell, EulerRNNCell
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class _Euler(Recurrent):
    """What the layers share whose cell is a `seqskip.cells.EulerCell`: the size of its step."""

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        step_size: float,
        **options: Unpack[StackOptions],
    ):
        repair = "a step of 0 or less stands still or runs back in time: use a positive one, such as 0.1"
        self.step_size = checks.positive("step_size", step_size, repair)
        super().__init__(input_size, hidden_size, num_layers, **options)

    def shown(self) -> dict[str, object]:
        return {**super().shown(), **self.cell_options}


class EulerRNN(_Euler):
    """Residual RNN layers, h_t = h_{t-d} + ε f(x_t, h_{t-d}); the recurrence is that of `seqskip.cells.EulerRNNCell`.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        step_size: ε > 0. It may be changed after training, as one changes that of a solver; whether steps of this
            size are stable, `seqskip.analysis.stability` measures.
        nonlinearity: φ, "tanh" or "relu".

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.

    >>> layer = EulerRNN(3, 8, step_size=0.1, delays=4)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = EulerRNNCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        step_size: float = 0.1,
        nonlinearity: str = "tanh",
        **options: Unpack[StackOptions],
    ):
        self.nonlinearity = checks.choice("nonlinearity", nonlinearity, NONLINEARITIES)
        super().__init__(input_size, hidden_size, num_layers, step_size=step_size, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        # Nothing here with super().cell_options, which torch.compile cannot read.
        return {"step_size": self.step_size, "nonlinearity": self.nonlinearity}


class AntisymmetricRNN(_Euler):
    """AntisymmetricRNN layers; the recurrence is that of `seqskip.cells.AntisymmetricCell`.

    Args:
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.
        step_size: ε > 0; see `seqskip.layers.EulerRNN`.
        diffusion: γ ≥ 0, which damps the state so that Euler steps do not grow.
        gated: multiply each step by a gate z_t.
        sigma_w: σ_w ≥ 0, the scale of W_h at the start.

    Raises:
        ValueError: an argument breaks a rule; the message names the rule and the repair.

    >>> layer = AntisymmetricRNN(3, 8, step_size=0.1, diffusion=0.01, gated=True)
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = AntisymmetricCell

    def __init__(
        self,
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        *,
        step_size: float = 0.1,
        diffusion: float = 0.01,
        gated: bool = False,
        sigma_w: float = 1.0,
        **options: Unpack[StackOptions],
    ):
        # Before the weights are made, which are made and drawn as these say.
        damps = "a negative one lets the state grow without bound: use 0, or more"
        self.diffusion = checks.at_least("diffusion", diffusion, 0, damps)
        self.gated = checks.boolean("gated", gated)
        self.sigma_w = checks.at_least("sigma_w", sigma_w, 0, "it is a standard deviation: use 0, or more")
        super().__init__(input_size, hidden_size, num_layers, step_size=step_size, **options)

    @property
    def cell_options(self) -> Mapping[str, Any]:
        own = {"diffusion": self.diffusion, "gated": self.gated, "sigma_w": self.sigma_w}
        return {"step_size": self.step_size, **own}

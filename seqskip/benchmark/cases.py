"""What is measured: one layer of one shape, and the table of cases that the speed targets are about."""

from dataclasses import dataclass
from itertools import product

from seqskip.delays import Steps

LAYERS = ("RNN", "LSTM", "GRU")

Shape = tuple[int, int, int, int]  # B, T, I, H
Kind = tuple[str, Steps]

SHAPES: tuple[Shape, ...] = ((20, 1000, 2, 64), (32, 500, 10, 128), (64, 200, 64, 256), (128, 784, 1, 128))
QUICK_SHAPES: tuple[Shape, ...] = ((3, 40, 2, 8),)
KINDS: tuple[Kind, ...] = (
    ("RNN", (1,)),
    ("RNN", (1, 16)),
    ("RNN", (16,)),
    ("LSTM", (1,)),
    ("LSTM", (1, 16)),
    ("GRU", (1,)),
)

# How many times as fast as torch.nn's layer without skips a training step should be; columns as KINDS.
_WANTED = (
    (6.0, 4.0, 6.0, 2.5, 1.5, 5.0),
    (2.5, 1.6, 2.5, 1.4, 0.85, 3.0),
    (1.5, 1.0, 1.5, 1.2, 0.7, 2.0),
    (1.5, 1.1, 1.5, 1.2, 0.8, 2.5),
)
TARGETS: dict[tuple[Shape, Kind], float] = dict(
    zip(product(SHAPES, KINDS), (wanted for row in _WANTED for wanted in row), strict=True)
)
INFERENCE_TARGET = 1.0


@dataclass(frozen=True)
class Case:
    """One recurrent layer and the input it is measured on."""

    layer: str  # "RNN", "LSTM" or "GRU"
    shape: Shape
    delays: Steps = (1,)
    combine: str = "sum"
    dtype: str = "float32"
    input_grad: bool = False  # whether the training step also gives the gradient of the input

    @property
    def has_skips(self) -> bool:
        """Whether the layer differs from torch.nn's."""
        return self.delays != (1,)

    @property
    def is_dilated(self) -> bool:
        """Whether one delay d > 1 alone replaces the ordinary edge."""
        return len(self.delays) == 1 and self.has_skips

    @property
    def target(self) -> float | None:
        """How many times as fast as torch.nn a training step of this case should be, where that was settled."""
        standard = self == Case(self.layer, self.shape, self.delays)
        return TARGETS.get((self.shape, (self.layer, self.delays))) if standard else None

    @property
    def title(self) -> str:
        """The case in words, as in "LSTM  delays 1, 16 (sum)   B=20 T=1000 I=2 H=64"."""
        combine = f" ({self.combine})" if len(self.delays) > 1 else ""
        sizes = " ".join(f"{letter}={size}" for letter, size in zip("BTIH", self.shape, strict=True))
        return f"{self.layer}  delays {', '.join(map(str, self.delays))}{combine}   {sizes}"

"""How many features a wrapped module reads and makes, as far as anything tells."""

from dataclasses import dataclass

from torch import Tensor, nn

from seqskip import checks
from seqskip.depth.wiring import Wiring

READS = ("in_features", "input_size")  # the attributes that tell it, of torch.nn's modules and of seqskip's
MAKES = ("out_features", "output_size")


@dataclass(frozen=True)
class Ends:
    """The features I of x and H of f(x): None, both of them, where nothing tells them."""

    features: int | None
    size: int | None

    @classmethod
    def of(cls, module: nn.Module, features: int | None, size: int | None) -> "Ends":
        """Return what was given or the module tells; where that is one number, it is taken for both.

        Raises:
            ValueError: a number that was given is no integer >= 1.
        """
        features = _told(module, READS) if features is None else checks.integer("features", features, 1)
        if size is not None:
            size = checks.integer("size", size, 1)
        elif isinstance(module, nn.RNNBase):
            size = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
        else:
            size = _told(module, MAKES)
        return cls(size if features is None else features, features if size is None else size)

    def for_weights(self, wiring: Wiring, module: nn.Module) -> tuple[int, int]:
        """Return I and H for the shapes of the weights round a module; where none depends on them, both are 1.

        Raises:
            ValueError: one depends on them, and nothing tells them.
        """
        if self.features is not None and self.size is not None:
            return self.features, self.size
        if wiring.norm is None and wiring.residual != "highway":
            return 1, 1
        what = f"residual={wiring.residual!r}" if wiring.norm is None else f"norm={wiring.norm!r}"
        raise ValueError(
            f"features must be given for {what} round a {type(module).__name__}, which does not tell how many it "
            "reads; give features=, and size= if it makes another number"
        )

    def check_input(self, x: Tensor) -> None:
        """Raise ValueError if x (..., I) has other features than it should."""
        _demand("input", x, self.features)

    def check_output(self, f: object, x: Tensor, wiring: Wiring) -> None:
        """Raise ValueError if f(x), made of x (..., I), is not what the shortcut was made for, (..., H).

        Of a PackedSequence both are its rows.
        """
        if not isinstance(f, Tensor) or f.shape[:-1] != x.shape[:-1]:
            got = tuple(f.shape) if isinstance(f, Tensor) else type(f).__name__
            raise ValueError(
                f"the module's output must be a tensor, or PackedSequence, shaped as its input but for the features, "
                f"got {got} from {tuple(x.shape)}; wrap a module that answers at every place"
            )
        _demand("the module's output", f, self.size)
        if wiring.residual != "dense" and self.features is None and x.size(-1) != f.size(-1):
            raise ValueError(
                f"a module that does not tell its sizes must make as many features as it reads, got {f.size(-1)} from "
                f"{x.size(-1)}; give features={x.size(-1)} and size={f.size(-1)}, and the shortcut gets a projection"
            )


def _demand(name: str, x: Tensor, features: int | None) -> None:
    if features is not None and x.size(-1) != features:
        raise ValueError(
            f"{name} must have {features} features in its last dimension, got {tuple(x.shape)}; give the wrapper "
            "features= and size= as the module reads and makes them"
        )


def _told(module: nn.Module, names: tuple[str, ...]) -> int | None:
    values = (getattr(module, name, None) for name in names)
    return next((value for value in values if checks.is_integer(value) and value > 0), None)

"""Every cell and layer of seqskip, found by walking the package, so that a new one is tested without being listed."""

import importlib
import inspect
import pkgutil
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, TypeVar

import torch

import seqskip.cells
import seqskip.layers
from seqskip.cells import NONLINEARITIES, ExtendedCell, TorchCell
from seqskip.layers import Stack, TorchLayer
from seqskip.recurrent import Recurrent

Kind = TypeVar("Kind")


def _modules(package: ModuleType) -> list[ModuleType]:
    # Packages below are left out: training and cli would bring Lightning into every test run.
    names = [info.name for info in pkgutil.iter_modules(package.__path__) if not info.ispkg and info.name != "__main__"]
    return [importlib.import_module(f"{package.__name__}.{name}") for name in names]


def _subclasses(package: ModuleType, base: type[Kind]) -> list[type[Kind]]:
    classes = {
        item
        for module in _modules(package)
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, base) and item is not base
    }
    return sorted(classes, key=lambda found: found.__name__)


@dataclass(frozen=True)
class Variant:
    """A layer class and the options that make it one recurrence: RNN is two, by its nonlinearity."""

    layer_type: type[TorchLayer]
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join((self.layer_type.__name__, *map(str, self.options.values())))

    def build(self, input_size: int, hidden_size: int, *sizes: int, **options: Any) -> TorchLayer:
        return self.layer_type(input_size, hidden_size, *sizes, **self.options, **options)

    def build_torch(self, input_size: int, hidden_size: int, *sizes: int, **options: Any) -> torch.nn.RNNBase:
        """Return torch.nn's layer of the same name."""
        twin = getattr(torch.nn, self.layer_type.__name__)
        return twin(input_size, hidden_size, *sizes, **self.options, **options)


def _variants(layer_type: type[TorchLayer]) -> list[Variant]:
    if "nonlinearity" not in inspect.signature(layer_type).parameters:
        return [Variant(layer_type)]
    return [Variant(layer_type, {"nonlinearity": name}) for name in NONLINEARITIES]


CELLS = [cell for cell in _subclasses(seqskip.cells, TorchCell) if not issubclass(cell, ExtendedCell)]
LAYERS = _subclasses(seqskip.layers, TorchLayer)
EVERY_LAYER = [  # but the bases that some have in common, which have no cell
    layer
    for layer in _subclasses(seqskip.layers, Recurrent)
    if hasattr(seqskip.layers, layer.__name__) and not inspect.isabstract(layer)
]
LITERATURE = [layer for layer in EVERY_LAYER if not issubclass(layer, TorchLayer | Stack)]
VARIANTS = [variant for layer_type in LAYERS for variant in _variants(layer_type)]

assert CELLS, "no cell found: the walk is broken"
assert LAYERS, "no layer found: the walk is broken"

"""Layers of a cell of one's own."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn
from typing_extensions import Unpack

from seqskip import checks
from seqskip.cells import Cell, ModuleCell
from seqskip.options import StackOptions
from seqskip.recurrent import Recurrent


class Stack(Recurrent):
    """Layers of any module with `step(x_t, history) -> state`: all that layers have comes free.

    `history[d]` is the state d steps ago, for each d of the layer's delays; `history.mean()` is their mean. A state is
    a tuple of parts (B, width), or one tensor (B, H); see `seqskip.cells.ModuleCell`.

    Args:
        cell: makes the module of one layer and direction, cell(features, hidden_size); usually its class.
        input_size, hidden_size, num_layers, options: as for `seqskip.recurrent.Recurrent`.

    Raises:
        ValueError: an argument breaks a rule, or `cell` makes no module with a step and parameters.

    >>> class Leaky(torch.nn.Module):
    ...     def __init__(self, input_size, hidden_size):
    ...         super().__init__()
    ...         self.read = torch.nn.Linear(input_size + hidden_size, hidden_size)
    ...
    ...     def step(self, x, history):
    ...         (h,) = history.mean()
    ...         return h + 0.1 * (torch.tanh(self.read(torch.cat((x, h), -1))) - h)
    >>> layer = Stack(Leaky, 3, 8, num_layers=2, delays=(1, 4), residual="add")
    >>> layer(torch.zeros(10, 5, 3))[0].shape
    torch.Size([10, 5, 8])
    """

    cell_type = ModuleCell

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        input_size: int,
        hidden_size: int | Sequence[int],
        num_layers: int = 1,
        **options: Unpack[StackOptions],
    ):
        if not callable(cell) or isinstance(cell, nn.Module):
            got = f"a {type(cell).__name__}" if isinstance(cell, nn.Module) else repr(cell)
            raise ValueError(f"cell must make a module, cell(features, hidden_size), got {got}; give its class")
        self._make = cell
        super().__init__(input_size, hidden_size, num_layers, **options)

    def _allocate_cell(self, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        sizes = self._sizes(layer)
        module = self._make(sizes.features, sizes.hidden)
        if not isinstance(module, nn.Module) or not callable(getattr(module, "step", None)):
            raise ValueError(
                f"cell must make a torch.nn.Module with step(x_t, history), got {type(module).__name__}; give it one"
            )
        if next(module.parameters(), None) is None:
            raise ValueError(
                f"cell must make a module with parameters, got {type(module).__name__} without; register one, which "
                "tells the layer its device and dtype"
            )
        _demand_sizes(module)
        self.add_module(f"cell_l{layer}{suffix}", module.to(**factory))

    def reset_cell(self, cell: Cell, layer: int) -> None:
        """Have a module draw its own parameters, or take those of a new one, as `cell` makes it."""
        assert isinstance(cell, ModuleCell)
        if callable(reset := getattr(cell.module, "reset_parameters", None)):
            reset()
        else:
            sizes = self._sizes(layer)
            cell.module.load_state_dict(self._make(sizes.features, sizes.hidden).state_dict())

    def cell(self, layer: int, suffix: str = "") -> Cell:
        module = self.get_submodule(f"cell_l{layer}{suffix}")
        return ModuleCell(module, self.hidden_sizes[layer], delays=self.delays[layer])


def _demand_sizes(module: nn.Module) -> None:
    sizes = getattr(module, "state_sizes", (1,))
    widths = sizes if isinstance(sizes, tuple | list) else ()
    if not widths or not all(checks.is_integer(width) and width >= 1 for width in widths):
        raise ValueError(
            f"state_sizes of {type(module).__name__} must be a tuple of integers >= 1, got {sizes!r}; give the width "
            "of each part of the state, such as (hidden_size, hidden_size)"
        )

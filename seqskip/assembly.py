"""From what a layer was asked for to what runs: its weights by name, and the blocks that they are bound in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from seqskip.cells import Cell, Sizes
from seqskip.delays import LayerDelays, Steps
from seqskip.depth import Join, Wiring
from seqskip.directions import Forward, Reverse, Taps
from seqskip.engines import Engine, choose
from seqskip.engines import backend as forced
from seqskip.history import State
from seqskip.interface import Interface
from seqskip.stack import Block, initial_state, state_shapes


class Assembly(Interface, ABC):
    """The weights of a stack, `{name}_l{layer}`, those of the reverse direction with "_reverse" behind it."""

    num_layers: int
    hidden_sizes: tuple[int, ...]
    dropout: float
    wiring: Wiring
    variational_dropout: float
    learn_initial_state: bool

    _delays: tuple[LayerDelays, ...]
    _input_delays: tuple[Steps, ...]
    _cell_weights: dict[int, tuple[str, ...]]  # of each layer the weights of its cells
    _features: list[int]  # of the input of each layer
    _joined: list[tuple[Wiring, tuple[str, ...], int]]  # of each layer, the weights of its shortcut, and the size of f

    @property
    @abstractmethod
    def cell_type(self) -> type[Cell]:
        """The class of the recurrence; a layer sets it on its class."""

    @property
    def recurrence(self) -> type[Cell]:
        """The class of the recurrence as it is to run now: one that does the same may be faster."""
        return self.cell_type

    @property
    def cell_options(self) -> Mapping[str, Any]:
        """What the cell takes besides weights and delays."""
        return {}

    def weight_shapes(self, sizes: Sizes) -> dict[str, tuple[int, ...] | None]:
        """Return the shape of each weight of a cell by name, None for one that this layer goes without."""
        return dict(self.recurrence.shapes(sizes, **self.cell_options))

    def _allocate(self, factory: dict[str, Any]) -> None:
        self._cell_weights, self._features, self._joined, features = {}, [], [], self.input_size
        # Asked as yes or no: torch.compile takes the number itself for one that may change, and compiles once more.
        self._drops, self._drops_features = self.wiring.stochastic_depth > 0, self.variational_dropout > 0
        for layer in range(self.num_layers):
            self._features.append(features)
            for direction in self._directions:
                self._allocate_cell(layer, direction.suffix, factory)
                if self.learn_initial_state:
                    self._allocate_start(layer, direction.suffix, factory)
            size = sum(self.cell(layer, direction.suffix).widths[0] for direction in self._directions)
            features = self._surround(layer, features, size, factory)
        self._output_size = features
        self._state_shapes = self._delays, self._found_shapes()

    def _allocate_cell(self, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        shapes = self.weight_shapes(self._sizes(layer))
        self._cell_weights[layer] = tuple(shapes)
        self._register(shapes, f"_l{layer}{suffix}", factory)

    def _allocate_start(self, layer: int, suffix: str, factory: dict[str, Any]) -> None:
        cell = self.cell(layer, suffix)
        widths = zip(cell.state_names, cell.widths, strict=True)
        shapes = {f"{name}_0": (cell.depth, width) for name, width in widths if name in cell.free_states}
        self._register(shapes, f"_l{layer}{suffix}", factory)

    def _start(self, cell: Cell, layer: int, suffix: str) -> dict[str, Tensor]:
        """Return where the parts of the state begin that learn it, each (D, width)."""
        if not self.learn_initial_state:
            return {}
        return {name: getattr(self, f"{name}_0_l{layer}{suffix}") for name in cell.free_states}

    def _surround(self, layer: int, features: int, size: int, factory: dict[str, Any]) -> int:
        """Allocate what stands round a layer that makes `size` features of `features`; return those of its output."""
        wiring = self.wiring.of_layer(layer, self.num_layers)
        shapes = wiring.shapes(features, size)
        self._register(shapes, f"_l{layer}", factory)
        self._joined.append((wiring, tuple(shapes), size))
        norm = wiring.make_norm(features, size, factory)
        if norm is not None:
            self.add_module(f"norm_l{layer}", norm)
        return wiring.output_size(features, size)

    def _register(self, shapes: Mapping[str, tuple[int, ...] | None], suffix: str, factory: dict[str, Any]) -> None:
        for name, shape in shapes.items():
            weight = None if shape is None else nn.Parameter(torch.empty(shape, **factory))
            self.register_parameter(f"{name}{suffix}", weight)

    def _sizes(self, layer: int) -> Sizes:
        taps = len(self._input_delays[layer])
        return Sizes(taps * self._features[layer], self.hidden_sizes[layer], self._delays[layer])

    @property
    def _directions(self) -> tuple[type[Forward], ...]:
        return (Forward, Reverse) if self.bidirectional else (Forward,)

    @property
    def output_size(self) -> int:
        """The features of the output: H, or 2H if bidirectional; with residual="dense" those of all layers and x."""
        return self._output_size

    @property
    def read_backwards(self) -> list[bool]:
        """Of each feature of the output, whether the reverse direction made it."""
        if not self.bidirectional:
            return [False] * self.output_size
        sizes = [self.cell(layer).widths[0] for layer in range(self.num_layers)]
        made = [[False] * size + [True] * size for size in sizes]
        return [*[False] * self.input_size, *chain(*made)] if self.wiring.residual == "dense" else made[-1]

    @property
    def like(self) -> Tensor:
        # A replica of torch.nn.DataParallel has its weights as attributes, and no parameters.
        weight = next(self.parameters(), None)
        return self.cell(0).weight if weight is None else weight

    def reset_parameters(self) -> None:
        """Draw all weights anew: the cells' as their authors do, those of shortcuts from U(-1/√I, 1/√I).

        States before the first step that are learned begin at zero.
        """
        for layer in range(self.num_layers):
            for direction in self._directions:
                cell = self.cell(layer, direction.suffix)
                self.reset_cell(cell, layer)
                for start in self._start(cell, layer, direction.suffix).values():
                    nn.init.zeros_(start)
            join, norm = self._join(layer), getattr(self, f"norm_l{layer}", None)
            if join is not None:
                self.wiring.reset_parameters(join)
            if norm is not None:
                norm.reset_parameters()

    def reset_cell(self, cell: Cell, layer: int) -> None:
        """Draw the weights of one recurrence, of the layers 0 ... L-1."""
        cell.reset_parameters()

    def cell(self, layer: int, suffix: str = "") -> Cell:
        """Return one layer's recurrence, bound to its present weights; the suffix "_reverse" names the other one."""
        weights = {name: getattr(self, f"{name}_l{layer}{suffix}") for name in self._cell_weights[layer]}
        return self.recurrence.bind(weights, delays=self._delays[layer], **self.cell_options)

    def _join(self, layer: int) -> Join | None:
        wiring, names, size = self._joined[layer]
        return wiring.bind({name: getattr(self, f"{name}_l{layer}") for name in names}, size)

    def blocks(self) -> list[Block]:
        """Return the layers of the stack as they run: directions, shortcut, norm and dropout of each."""
        return [self._block(layer) for layer in range(self.num_layers)]

    def _block(self, layer: int) -> Block:
        wiring, inner = self._joined[layer][0], layer < self.num_layers - 1
        return Block(
            [self._reader(layer, direction) for direction in self._directions],
            join=self._join(layer),
            norm=getattr(self, f"norm_l{layer}", None),
            norm_first=wiring.norm_first,
            dropout=self.dropout if self.training and inner else 0.0,
            variational=self.variational_dropout if self.training and inner and self._drops_features else 0.0,
            drop_path=wiring.stochastic_depth if self.training and self._drops else 0.0,
        )

    def _reader(self, layer: int, direction: type[Forward]) -> Forward:
        cell = self.cell(layer, direction.suffix)
        taps = Taps(self._input_delays[layer], self._features[layer]) if self.holds_inputs else None
        return direction(cell, self.engine(cell), taps, self._start(cell, layer, direction.suffix))

    def engine(self, cell: Cell) -> Engine:
        """Return what runs a cell over time."""
        return choose(cell, self.backend)

    @property
    def state_names(self) -> tuple[str, ...]:
        return (*self.cell(0).state_names, *(("x",) if self.holds_inputs else ()))

    @property
    def holds_inputs(self) -> bool:
        """Whether a layer reads other inputs than the present one, so that the state has a part for them."""
        return any(taps != (0,) for taps in self._input_delays)

    def state_shapes(self) -> list[tuple[int, int]]:
        delays, shapes = self._state_shapes
        return shapes if delays == self._delays else self._found_shapes()

    def _found_shapes(self) -> list[tuple[int, int]]:
        with forced("reference"):  # an engine that cannot run is told when the layer runs
            return state_shapes(self.blocks())

    def initial_state(self, x: Tensor) -> State:
        # Zeros, for which no block has to be put together.
        if self.cell_type.initial is Cell.initial and not self.learn_initial_state:
            return tuple(x.new_zeros(rows, x.size(1), width) for rows, width in self.state_shapes())
        return initial_state(self.blocks(), x)

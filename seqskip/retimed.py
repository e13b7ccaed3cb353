"""The delays of a stack, which may be changed after it was made: for another sample rate, say."""

from abc import ABC
from dataclasses import replace

from seqskip import checks
from seqskip.assembly import Assembly
from seqskip.cells import Cell
from seqskip.delays import (
    Delays,
    InputDelays,
    LayerDelays,
    Steps,
    edges,
    per_layer,
    resampled,
    taps_per_layer,
    taps_resampled,
)


class Retimed(Assembly, ABC):
    """A stack whose weights stay while its delays change."""

    @property
    def delays(self) -> tuple[LayerDelays, ...]:
        """The delays of each layer. They may be set, as long as each has the weights it needs.

        The weights stay, the length of the state follows. `resample` multiplies them by a ratio of sample rates.
        """
        return self._delays

    @delays.setter
    def delays(self, delays: Delays) -> None:
        changed = per_layer(delays, self.num_layers)
        for layer, (before, after) in enumerate(zip(self._delays, changed, strict=True)):
            shapes = [self.weight_shapes(replace(self._sizes(layer), delays=own)) for own in (before, after)]
            if shapes[0] != shapes[1]:
                raise ValueError(
                    f"delays can be set where the weights fit, got {after} for layer {layer} made with {before}; give "
                    f"{len(before)} delays, or make a new layer"
                )
        learned = any(self._start(self.cell(layer), layer, "") for layer in range(self.num_layers))
        if learned and list(map(_longest, changed)) != list(map(_longest, self._delays)):
            raise ValueError(
                f"delays can be set where the learned initial state fits, got {changed} for a layer made with "
                f"{self._delays}; keep the longest of each layer, or make a new layer"
            )
        self._delays = changed
        self._state_shapes = changed, self._found_shapes()

    @property
    def input_delays(self) -> tuple[Steps, ...]:
        """The delays of what each layer reads of its input; they may be set to as many others."""
        return self._input_delays

    @input_delays.setter
    def input_delays(self, input_delays: InputDelays) -> None:
        changed = taps_per_layer(input_delays, self.num_layers)
        for layer, (before, after) in enumerate(zip(self._input_delays, changed, strict=True)):
            if len(before) != len(after):
                rule = f"input_delays can be set where the weights fit, got {after} for layer {layer}"
                raise ValueError(f"{rule} made with {before}; give as many, or make a new layer")
        self._input_delays = changed
        self._state_shapes = self._delays, self._found_shapes()

    def resample(self, ratio: float) -> None:
        """Make a net that was trained at one sample rate run at another: multiply all its delays by a ratio.

        The weights stay, the state gets longer or shorter with the delays: begin a new one. With whole delays and a
        whole ratio every ratio-th output is exactly that of the net before on every ratio-th input. Otherwise states
        are interpolated, and the outputs at the same times differ by the square of the time step, for a signal that is
        smooth.

        Args:
            ratio: the new sample rate divided by the old one.

        Raises:
            ValueError: a delay would be less than 1, an input delay no whole number, or a layer reads states at a
                fixed number of steps, as a gate does; the layer is as it was.
        """
        checks.positive("ratio", ratio)
        for layer in range(self.num_layers):
            _demand_delays_alone(self.cell(layer), layer)
        self.delays, self.input_delays = resampled(self._delays, ratio), taps_resampled(self.input_delays, ratio)

    @property
    def edges(self) -> tuple[Steps, ...]:
        """How many whole steps back each layer reads its own states, ascending."""
        return tuple(self.cell(layer).edges for layer in range(self.num_layers))

    @property
    def has_skips(self) -> bool:
        """Whether anything here skips time or depth; without, the stack is torch.nn's."""
        return self.holds_inputs or self.wiring.residual is not None or any(delays != (1,) for delays in self.delays)


def _longest(delays: LayerDelays) -> int:
    return edges(delays)[-1]


def _demand_delays_alone(cell: Cell, layer: int) -> None:
    later = tuple(delay + 1 for delay in cell.delays)
    if fixed := set(replace(cell, delays=later).edges) - set(edges(later)):
        raise ValueError(
            f"resample needs a layer that reads its states at its delays alone, got {type(cell).__name__}, which in "
            f"layer {layer} reads those {min(fixed)} step ago at any sample rate; use a layer without such a gate, "
            "such as seqskip.RNN with combine='learned'"
        )

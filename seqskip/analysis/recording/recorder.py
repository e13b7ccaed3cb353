"""What takes the place of a model's recurrent layers for one forward pass."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.adapt import from_torch, from_torch_cell
from seqskip.analysis.adjoint import trace_stack
from seqskip.analysis.recording.call import Call, Leaves
from seqskip.analysis.recording.chain import Chain
from seqskip.analysis.recording.found import RecurrentModule
from seqskip.analysis.recording.graph import Place
from seqskip.history import State
from seqskip.recurrent import Recurrent

Give = Callable[[int, Tensor], Tensor]  # what the model gets for a leaf of the n-th call


class Recorder:
    """Runs the recurrent layers of a model itself, and keeps every call."""

    def __init__(self, give: Give):
        self.calls: list[Call] = []
        self.chains: list[Chain] = []
        self._give = give
        self._known: dict[int, Tensor] = {}

    def attach(self, modules: Mapping[str, RecurrentModule]) -> None:
        """Take the place of some modules; whoever calls this restores their attributes afterwards."""
        for name, module in modules.items():
            if isinstance(module, Recurrent):
                self._record(name, module)
            elif isinstance(module, nn.RNNBase):
                module.__dict__["forward"] = self._layer(name, module)
            else:
                module.__dict__["forward"] = self._cell(name, module)

    def _record(self, name: str, core: Recurrent) -> Recurrent:
        core.__dict__["run"] = functools.partial(self._run, name, core)
        return core

    def _layer(self, name: str, module: nn.RNNBase) -> Callable[..., Any]:
        # Made at the first call: only then all weights are there that hooks compute.
        view = functools.cache(lambda: self._record(name, from_torch(module, name or "model")))

        def forward(input: Any, hx: Any = None) -> Any:
            return view()(input, hx)

        return forward

    def _cell(self, name: str, module: nn.RNNCellBase) -> Callable[..., Any]:
        view = functools.cache(lambda: self._record(name, from_torch_cell(module, name or "model")))

        def forward(input: Tensor, hx: Any = None) -> Any:
            state = tuple(part.unsqueeze(0) for part in hx) if isinstance(hx, tuple | list) else hx
            state = state.unsqueeze(0) if isinstance(state, Tensor) else state
            _, new = view()(input.unsqueeze(0), state)
            return tuple(part.squeeze(0) for part in new) if isinstance(new, tuple) else new.squeeze(0)

        return forward

    def _run(
        self, name: str, core: Recurrent, z: Tensor, initial: State, lengths: Tensor | None
    ) -> tuple[Tensor, State]:
        """Do what `Recurrent.run` does, and give out leaves."""
        _demand_measurable(name or "model", core, z, lengths)
        # Copies, as the model may go on to write into its tensors.
        x, *line = (part.detach().to(torch.float64, copy=True) for part in (z, *initial))
        trace = trace_stack(core, x, tuple(line))
        leaves = Leaves.of(trace, z.dtype)
        output, *final = (self._give(len(self.calls), leaf) for leaf in leaves.all)
        places = (Place.of(part, self._known) for part in (z, *initial))
        self._keep(name, core, Call(trace, leaves, next(places), tuple(places), tuple(final)), initial)
        return output, tuple(final)

    def _keep(self, name: str, core: Recurrent, call: Call, initial: State) -> None:
        self.calls.append(call)
        self._known |= {id(leaf): leaf for leaf in call.leaves.all}
        own = (chain for chain in reversed(self.chains) if chain.module == name and chain.goes_on(call, initial))
        chain = next(own, None)
        if chain is None:
            chain = Chain(name, core)
            self.chains.append(chain)
        chain.calls.append(call)

    def replaced(self, calls: list[Call]) -> "Recorder":
        """Return a recorder of the same pass with other calls for its own."""
        other = Recorder(self._give)
        other.calls, other._known = calls, self._known
        return other

    def place(self, answer: Tensor) -> Place:
        """Return where the model's answer stands in the graph."""
        return Place.of(answer, self._known)


def _demand_measurable(name: str, core: Recurrent, z: Tensor, lengths: Tensor | None) -> None:
    repair = f"with two directions a lag has no one meaning in {name}; measure a model that reads forward alone"
    checks.causal("gradient_decay", core.bidirectional, repair)
    if z.size(1) == 0:
        raise ValueError(f"input must hold at least one sample to be measured, got {tuple(z.shape)} for {name}")
    if _in_checkpoint():
        raise ValueError(
            f"{name} must be called outside torch.utils.checkpoint to be measured: its states would be computed again "
            "on the way back; switch checkpointing off for the measure"
        )
    if lengths is not None and bool((lengths < z.size(0)).any()):
        raise ValueError(
            f"{name} must read samples of one length to be measured, got lengths or a PackedSequence with some below "
            f"{z.size(0)}: a lag would count from another step in each sample; measure samples of one length at a time"
        )


def _in_checkpoint() -> bool:
    hooks = torch._C._autograd._top_saved_tensors_default_hooks(False)
    return hooks is not None and hooks[0].__module__ == "torch.utils.checkpoint"

"""One forward pass of a model, which may be repeated with all random numbers the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqskip.analysis.recording import found
from seqskip.analysis.recording.recorder import Give, Recorder
from seqskip.analysis.recording.untouched import RandomState, plain_autograd, untouched


@dataclass(frozen=True, eq=False)
class Forward:
    """A model, what it reads, and the state of the random generators at the time."""

    model: nn.Module
    inputs: tuple[Any, ...]
    modules: Mapping[str, found.RecurrentModule]
    random: RandomState

    @classmethod
    def of(cls, model: object, inputs: tuple[Any, ...]) -> "Forward":
        """Check a model and its input."""
        model = found.unwrapped(model)
        modules = found.recurrent_modules(model)
        found.refuse_mixing(model)
        if any(isinstance(value, PackedSequence) for value in inputs):
            raise ValueError(
                "input must be a tensor to be measured, got PackedSequence; use torch.nn.utils.rnn.pad_packed_sequence "
                "and give samples of one length"
            )
        found.demand_device(model, inputs)
        return cls(model, inputs, modules, RandomState.now(found.devices(model)))

    def run(self, give: Give) -> tuple[Recorder, Tensor]:
        """Run the model; return what its recurrent layers did, and its answer."""
        recorder, devices = Recorder(give), found.devices(self.model)
        now = RandomState.now(devices)
        with plain_autograd(devices), untouched(self.model):
            try:
                self.random.restore()
                recorder.attach(self.modules)
                answer = self.model(*(_cut(value) for value in self.inputs))
            finally:
                now.restore()
        self._demand_calls(recorder)
        return recorder, _first_tensor(answer)

    def changes(self, calls: set[int], answer: Tensor) -> bool:
        """Return whether the answer becomes another one where the states that some calls give are changed."""
        generator = torch.Generator().manual_seed(0)

        def give(call: int, leaf: Tensor) -> Tensor:
            noise = torch.randn(leaf.shape, generator=generator).to(leaf)
            return leaf.detach() + noise if call in calls else leaf.detach().clone()

        _, other = self.run(give)
        return not torch.equal(other.detach().nan_to_num(), answer.detach().nan_to_num())

    def _demand_calls(self, recorder: Recorder) -> None:
        if not recorder.calls:
            names = ", ".join(name or "model" for name in self.modules)
            raise ValueError(
                f"model must call its recurrent layers to be measured, got {type(self.model).__name__} whose forward "
                f"calls none of {names}; pass the part of the model that does"
            )


def _cut(value: Any) -> Any:
    """Return an input without the graph that it comes from, nested as it is."""
    if isinstance(value, Tensor):
        return value.clone() if value.is_inference() else value.detach()
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return type(value)(map(_cut, value)) if type(value) in (tuple, list) else value


def _first_tensor(answer: object) -> Tensor:
    for tensor in found.tensors(answer):
        return tensor
    raise ValueError(f"model must return a tensor, or a tuple or dict whose first tensor is the answer, got {answer!r}")

"""Run a model and leave it, and the random generators, as they were."""

import random
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Restore in the end every attribute of the model's modules; meanwhile they have buffers of their own."""
    kept = [(module, dict(module.__dict__), dict(module._buffers)) for module in model.modules()]
    copies: dict[int, Tensor] = {}
    for module, _, buffers in kept:
        for name, buffer in buffers.items():
            if buffer is not None:  # one buffer may belong to several modules
                module._buffers[name] = copies.setdefault(id(buffer), buffer.clone())
    try:
        yield
    finally:
        for module, attributes, buffers in kept:
            module.__dict__.clear()
            module.__dict__.update(attributes)
            module._buffers.clear()
            module._buffers.update(buffers)


@contextmanager
def plain_autograd(devices: set[torch.device]) -> Iterator[None]:
    """Take gradients at the model's own precision, eagerly, whatever the caller's mode is."""
    with ExitStack() as modes:
        modes.enter_context(torch.inference_mode(False))
        modes.enter_context(torch.enable_grad())
        for kind in {"cpu", *(device.type for device in devices)} - {"meta"}:
            modes.enter_context(torch.autocast(kind, enabled=False))
        if "torch._dynamo" in sys.modules:  # nothing is compiled before it is imported, which takes a second
            modes.enter_context(torch.compiler.set_stance("force_eager"))
        yield


@dataclass(frozen=True, eq=False)
class RandomState:
    """The state of the generators that a forward pass may draw from."""

    python: Any
    numpy: Any
    cpu: Tensor
    devices: dict[torch.device, Tensor]

    @classmethod
    def now(cls, devices: set[torch.device]) -> "RandomState":
        """Return the present state, on the CPU and on some other devices."""
        own = {device: _generators(device).get_rng_state(*_index(device)) for device in devices if _draws(device)}
        return cls(random.getstate(), np.random.get_state(), torch.get_rng_state(), own)

    def restore(self) -> None:
        """Set the generators back."""
        random.setstate(self.python)
        np.random.set_state(self.numpy)
        torch.set_rng_state(self.cpu)
        for device, state in self.devices.items():
            _generators(device).set_rng_state(state, *_index(device))


def _draws(device: torch.device) -> bool:
    return device.type not in ("cpu", "meta")


def _generators(device: torch.device) -> Any:
    return torch.get_device_module(device)


def _index(device: torch.device) -> tuple[torch.device, ...]:
    return () if device.type == "mps" else (device,)  # of which there is one

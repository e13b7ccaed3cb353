"""One forward pass to be measured: the recorded model and how its answer is read at a time step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seqskip import checks
from seqskip.analysis.recording import RecordedLayer, Recording, record
from seqskip.analysis.recording.found import unwrapped
from seqskip.model import SequenceModel
from seqskip.recurrent import Recurrent

Loss = Callable[[Tensor], Tensor]


class EveryStep(nn.Module):
    """A `SequenceModel` that answers at every step, (B, T, output_size), whatever its readout is."""

    def __init__(self, model: SequenceModel):
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        output, _ = self.model.core(self.model.encode(x))
        return self.model.answer_every_step(output)


@dataclass(frozen=True, eq=False)
class Subject:
    """A recorded model.

    Attributes:
        model: a model that `record` can run.
        x: its input.
        recording: what it did.
        time: the axis of the answer that time stands along, or None where there is one answer in all.
        steps: the time steps T of the answer, those of the longest layers where it has none.
        carry_only: the way back is through the gates' carry alone.
    """

    model: nn.Module
    x: Tensor
    recording: Recording
    time: int | None
    steps: int
    carry_only: bool = False

    @classmethod
    def of(cls, model: object, x: object) -> "Subject":
        """Run a model on its input and see how its answer is laid out."""
        inner = unwrapped(model)
        runnable = EveryStep(inner) if isinstance(inner, SequenceModel) else inner
        recording = record(runnable, x)
        assert isinstance(x, Tensor)
        return cls(runnable, x, recording, *_time_axis(inner, recording))

    @property
    def batch(self) -> int:
        """The samples B."""
        return self.recording.layers[0].batch

    @property
    def top(self) -> RecordedLayer:
        """The last recurrent layer."""
        return self.recording.layers[-1]

    @property
    def cores(self) -> list[Recurrent]:
        """The stack that each layer belongs to."""
        return [layer.core for layer in self.recording.layers]

    def local(self, layer: RecordedLayer, step: int) -> int:
        """Return the last step of a layer that an answer reads: its own last one where it has steps of its own."""
        return step if layer.steps == self.steps else layer.steps - 1

    def read(self, answers: Sequence[int]) -> int | None:
        """Return how many steps the answers read, or None for all."""
        return None if self.time is None else max(answers) + 1

    def at_once(self, numbers: int) -> int:
        """Return how many cotangents to pull back at once so that the gates of a layer are about so many numbers."""
        size = max(layer.cell.projected_size for layer in self.recording.layers)
        return max(1, numbers // (self.steps * self.batch * size))

    @property
    def is_one_stack(self) -> bool:
        """Whether a single stack does all, in one call, and its output's step T is all that the answer at T reads."""
        calls = {id(call) for layer in self.recording.layers for call in layer.chain.calls}
        if isinstance(self.model, EveryStep) and self.model.model.window > 1:
            return False
        return len(calls) == 1 and isinstance(self.model, Recurrent | nn.RNNBase | EveryStep)

    def along_carry(self) -> "Subject | None":
        """Return the same pass with a way back through the gates' carry alone, None where a layer has none."""
        recording = self.recording.along_carry()
        return None if recording is None else replace(self, recording=recording, carry_only=True)

    def samples(self) -> Iterator["Subject"]:
        """Record each sample on its own."""
        bare = isinstance(self.model, Recurrent | nn.RNNBase)
        if bare and self.x.dim() == 2:
            yield self
            return
        axis = 1 if bare and not self.model.batch_first else 0
        for one in torch.split(self.x, 1, axis):
            alone = replace(self, x=one, recording=record(self.model, one), carry_only=False)
            carried = alone.along_carry() if self.carry_only else alone
            assert carried is not None
            yield carried

    def answers(self, at: int | str | Sequence[int]) -> tuple[int, ...]:
        """Return the time steps of the answers that `at` names, counted from 0.

        Raises:
            ValueError: `at` is no step of the sequence, or there is but one answer.
        """
        named: Sequence[object] = at if isinstance(at, Sequence) else (at,)
        if isinstance(at, str):
            checks.choice("at, if not a time step,", at, ("last", "every"))
            named = range(self.steps) if at == "every" else (-1,)
        if not named:
            raise ValueError("at must name at least one time step, got none; use -1 for the last one")
        found = tuple(_step(each, self.steps) for each in named)
        if self.time is None and found != (self.steps - 1,):
            raise ValueError(
                f"at must be -1 for a model with one answer in all, of shape {tuple(self.recording.answer.shape)}, "
                f"got {at!r}; a model whose answer has a time axis, (B, T, ·), can be asked at every step"
            )
        return found

    def cotangent(self, step: int, loss: Loss) -> Tensor:
        """Return ∂L/∂(the model's answer), in its shape, where L reads the answer at one step."""
        if not self.recording.answer.is_floating_point():
            raise ValueError(
                f"the answer must hold floating-point numbers to have a gradient, got {self.recording.answer.dtype}; "
                "wrap the model in a module that returns its scores, not their argmax"
            )
        with torch.inference_mode(False), torch.enable_grad():
            answer = self.recording.answer.detach().clone().requires_grad_()
            value = loss(answer if self.time is None else answer.select(self.time, step))
            if not isinstance(value, Tensor) or value.dim() or not value.requires_grad:
                raise ValueError(f"loss must return a scalar tensor that depends on the answer, got {_told(value)}")
            (gradient,) = torch.autograd.grad(value, answer, allow_unused=True)
        if gradient is None:
            raise ValueError("loss must return a scalar tensor that depends on the answer, got one that does not")
        return gradient


def _step(at: object, steps: int) -> int:
    if not checks.is_integer(at) or not -steps <= at < steps:
        raise ValueError(f"at must be a time step from {-steps} to {steps - 1}, got {at!r}")
    return int(at) % steps


def _told(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) and value.dim() else repr(value)


def _time_axis(model: nn.Module, recording: Recording) -> tuple[int | None, int]:
    """Return the axis of the answer along which the T steps stand beside the B samples, None for no such, and T."""
    shape, batch = tuple(recording.answer.shape), recording.layers[0].batch
    lengths = sorted({layer.steps for layer in recording.layers}, reverse=True)
    if isinstance(model, Recurrent | nn.RNNBase):
        return int(model.batch_first and len(shape) == 3), lengths[0]
    for steps in lengths:  # a decoder's answer has the steps of the decoder
        fitting = [axis for axis, sizes in ((1, (batch, steps)), (0, (steps, batch))) if shape[:2] == sizes]
        if not fitting:
            continue
        axis = fitting[0] if len(fitting) == 1 else int(recording.layers[0].core.batch_first)
        if len(shape) > 2 or not _reads_the_end(recording, axis):
            return axis, steps
    if len(shape) < 3:
        return None, lengths[0]
    raise ValueError(
        f"the answer must have shape (B, ·), (B, T, ·) or (T, B, ·) with B={batch} and T={lengths[0]} to be measured, "
        f"got {shape}; wrap the model in a module that returns one of these"
    )


def _reads_the_end(recording: Recording, axis: int) -> bool:
    """Return whether the first number along an axis depends on the last state: then it is a score, and no time step."""
    first = torch.zeros_like(recording.answer)
    first.select(axis, 0).fill_(1)
    pulled = recording.pull(first.unsqueeze(0), lambda _: lambda state, _: state)
    return any(bool(layer.seen.log[-1].isfinite().any()) for layer in pulled)

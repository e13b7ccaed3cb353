"""What is measured at each lag: the norm of the loss's gradient, or a norm of the Jacobian ∂s_T/∂s_{T-n}."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from seqskip.analysis.scaled import Scaled, finite
from seqskip.analysis.subject import Loss, Subject
from seqskip.analysis.wrt import Wrt, norm, whole, wrt_of

NUMBERS = 1 << 23  # that the gates of one layer may fill on the way back: 64 MiB


@dataclass(frozen=True, eq=False)
class Logs:
    """What was measured for one answer, of each layer (T, B), in nats: log norms, and their standard errors."""

    log_norm: list[Tensor]
    log_error: list[Tensor] | None = None


class Norm(Protocol):
    """One of the norms."""

    def measure(self, subject: Subject, wrt: str, answers: Sequence[int]) -> Iterator[Logs]:
        """Yield what is measured for each answer."""


@dataclass(frozen=True, eq=False)
class LossNorm:
    """‖∂L/∂s_{T-n}‖ of a loss L of the answer at step T."""

    loss: Loss

    def measure(self, subject: Subject, wrt: str, answers: Sequence[int]) -> Iterator[Logs]:
        """Go back once for as many answers as memory allows."""
        of = wrt_of(wrt, subject.cores, norm)
        for group in _groups(answers, subject):
            cotangents = torch.stack([subject.cotangent(step, self.loss) for step in group])
            pulled = subject.recording.pull(cotangents, of.look, for_input=of.for_input, steps=subject.read(group))
            logs = [of.rows(layer).log_norm().view(-1, len(group), subject.batch) for layer in pulled]
            yield from (Logs([layer[:, n] for layer in logs]) for n in range(len(group)))


@dataclass(frozen=True, eq=False)
class Directional:
    """‖vᵀ ∂h_T/∂s_{T-n}‖ for v = ∂L/∂h_T, made of length 1, where h is the top layer's hidden state."""

    loss: Loss

    def measure(self, subject: Subject, wrt: str, answers: Sequence[int]) -> Iterator[Logs]:
        """Go back twice for each answer: to h_T, and from there."""
        of, hidden = wrt_of(wrt, subject.cores, norm), wrt_of("h", subject.cores, whole)
        for step in answers:
            cotangent = subject.cotangent(step, self.loss).unsqueeze(0)
            to_top = subject.recording.pull(cotangent, hidden.look, steps=subject.read([step]))[-1].seen
            v = to_top.value[subject.local(subject.top, step)]
            v = v / v.norm(dim=-1, keepdim=True).clamp(min=torch.finfo(v.dtype).tiny)
            rows = _from_top(subject, of, slice(v.size(-1)), v.unsqueeze(0), step)
            yield Logs([layer.log_norm() for layer in rows])


@dataclass(frozen=True, eq=False)
class Exact:
    """A norm of the whole Jacobian, made row by row: as many ways back as h, c or both have numbers."""

    spectral: bool

    def measure(self, subject: Subject, wrt: str, answers: Sequence[int]) -> Iterator[Logs]:
        """Take one sample after the other: the Jacobians of all lags fill much memory."""
        of = wrt_of(wrt, subject.cores, whole)
        alone = list(subject.samples())
        for step in answers:
            found = [self._of_sample(sample, of, step) for sample in alone]
            yield Logs([torch.cat(layers, 1) for layers in zip(*found, strict=True)])

    def _of_sample(self, sample: Subject, of: Wrt, step: int) -> list[Tensor]:
        columns = of.columns(sample.top.cell)
        unit = torch.eye(sample.top.size, dtype=torch.float64, device=sample.recording.answer.device)[columns, columns]
        return [self._norm(rows).unsqueeze(1) for rows in _from_top(sample, of, columns, unit.unsqueeze(1), step)]

    def _norm(self, rows: Scaled) -> Tensor:
        """Return the log of the norm of each matrix, from its rows (T, V, F)."""
        rows = Scaled.of(rows.value, rows.log)
        top = rows.log.amax(1)
        matrix = rows.relative_to(top.unsqueeze(1))
        size: Tensor = torch.linalg.matrix_norm(matrix, 2 if self.spectral else "fro")
        return top + size.log() - (0 if self.spectral else math.log(matrix.size(1)) / 2)


@dataclass(frozen=True, eq=False)
class Probed:
    """‖∂s_T/∂s_{T-n}‖_F / √H from K probes: E ‖vᵀ J‖² = ‖J‖_F² for v of independent signs ±1.

    At long lags the Jacobian has next to one singular value and ‖vᵀ J‖² has a relative standard deviation of √2.
    """

    probes: int

    def measure(self, subject: Subject, wrt: str, answers: Sequence[int]) -> Iterator[Logs]:
        """Take the same probes for every answer; no random state but their own is used."""
        of, generator = wrt_of(wrt, subject.cores, norm), torch.Generator().manual_seed(0)
        columns = of.columns(subject.top.cell)
        size = len(range(*columns.indices(subject.top.size)))
        signs = torch.randint(2, (self.probes, subject.batch, size), generator=generator).double() * 2 - 1
        signs = signs.to(subject.recording.answer.device)
        for step in answers:
            groups = [
                _from_top(subject, of, columns, some, step) for some in torch.split(signs, subject.at_once(NUMBERS))
            ]
            yield _mean(groups, subject.batch, size)


def _mean(groups: list[list[Scaled]], batch: int, size: int) -> Logs:
    """Return the log of the root of the mean square over all probes, and its standard error, of each layer."""
    norms, errors = [], []
    for layers in zip(*groups, strict=True):
        logs = torch.cat([layer.log_norm().view(len(layer.log), -1, batch) for layer in layers], 1)  # (T, K, B)
        top = logs.amax(1)
        squares = (2 * (logs - finite(top).unsqueeze(1))).exp()
        mean, probes = squares.mean(1), squares.size(1)
        norms.append(top + (mean.log() - math.log(size)) / 2)
        errors.append(squares.std(1) / (2 * mean * math.sqrt(probes)))
    return Logs(norms, errors)


def _from_top(subject: Subject, of: Wrt, columns: slice, start: Tensor, step: int) -> list[Scaled]:
    """Pull cotangents of the top layer's state at a step back, (V, B, ·) in some of its columns: rows (T, V·B, ·)."""
    top, count = subject.top, start.size(0) * start.size(1)
    direct = start.new_zeros(top.steps, count, top.size)
    direct[subject.local(top, step), :, columns] = start.flatten(0, 1)
    pulled = subject.recording.pull(
        None, of.look, states={top.name: Scaled.of(direct)}, for_input=of.for_input, steps=subject.read([step])
    )
    return [of.rows(layer) for layer in pulled]


def _groups(answers: Sequence[int], subject: Subject) -> Iterator[Sequence[int]]:
    size = subject.at_once(NUMBERS)
    return (answers[first : first + size] for first in range(0, len(answers), size))

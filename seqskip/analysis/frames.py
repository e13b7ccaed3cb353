"""Orthonormal frames of tangents, and how much a step stretches them."""

import torch
from torch import Tensor

ROUNDING = 8 * 2.0**-52  # 2 to 4 times 2^-52 were seen for 6 to 128 directions


def random_frame(like: Tensor, k: int) -> Tensor:
    """Return k orthonormal directions for each row of a state (B, A), (B, A, k), always the same ones.

    They are random because axes may span subspaces that never mix, as the units of a cell that has no recurrent
    weights: a frame of axes would then not turn to the leading directions.
    """
    generator = torch.Generator().manual_seed(0)  # the caller's random state is left alone
    drawn = torch.randn(*like.shape, k, dtype=torch.float64, generator=generator)
    frame: Tensor = torch.linalg.qr(drawn)[0].to(like.device)
    return frame


def widened(frame: Tensor, k: int) -> Tensor:
    """Return an orthonormal frame of k directions, (B, A, k), the first of which are those given."""
    missing = random_frame(frame[..., 0], k)[..., frame.size(-1) :]
    wider: Tensor = torch.linalg.qr(torch.cat((frame, missing), -1))[0]
    return wider


def orthonormal(tangents: Tensor) -> tuple[Tensor, Tensor]:
    """Return Q, (B, A, k), and the upper triangular R, (B, k, k), of tangents Q R, entries of R that are 0 made 0.

    0 is what lies within the rounding of its column: where a tangent is a combination of those before it, floating
    point leaves a few 2^-52 of the tangent's norm.
    """
    q, r = torch.linalg.qr(tangents)
    norm = torch.linalg.vector_norm(tangents, dim=-2, keepdim=True)
    return q, torch.where(r.abs() <= ROUNDING * norm, 0, r)


def log_stretch(r: Tensor) -> Tensor:
    """Return ln |R_ii|, (B, k): -inf where a direction has died."""
    return r.diagonal(dim1=-2, dim2=-1).abs().log()

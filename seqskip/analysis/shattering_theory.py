"""What is known exactly of how alike the gradients of a random ReLU net are at two inputs."""

import math

from seqskip import checks

COACTIVE = 0.25  # the chance that a unit is active at two independent inputs; 1/2 at one input


def feedforward_correlation(depth: int) -> float:
    """Return 2^-L for a net of L layers, weights of variance 2/N (Balduzzi et al. 2017, Theorem 1).

    Each layer multiplies the variance of the gradient by 2 · 1/2 = 1 and the covariance at two independent inputs by
    2 · 1/4: the activity of the units is taken to be independent from layer to layer.

    Raises:
        ValueError: depth is no integer >= 0.
    """
    return (2 * COACTIVE) ** checks.integer("depth", depth, 0)


def residual_correlation(depth: int) -> float:
    """Return (3/4)^L for L residual layers x + W φ(x) (Balduzzi et al. 2017, Theorem 2).

    The variance of the gradient is 2^L, its covariance at two independent inputs (3/2)^L.

    Raises:
        ValueError: depth is no integer >= 0.
    """
    return ((1 + 2 * COACTIVE) / 2) ** checks.integer("depth", depth, 0)


def normalised_residual_correlation(depth: int, beta: float = 1.0) -> float:
    """Return that of L residual layers with batch normalisation and branches scaled by β.

    Layer l adds a branch of variance β² / (1 + β² l) relative to what it meets, so with b = 1/β²

        Γ(L + b + 1/2) Γ(b + 1) / (Γ(b + 1/2) Γ(L + b + 1)),  next to (2/√π) / √L for β = 1

    (Balduzzi et al. 2017, Theorem 3). The activity of the units is taken to be random. ReLU nets with batch
    normalisation shatter sooner: they divide by a spread to which a layer adds (1 - 1/π) β², the mean of its units
    taken off, so that at L = 64 and β = 1 the correlation is about 0.08, not 0.14.

    Raises:
        ValueError: depth is no integer >= 0, or beta is not above 0.
    """
    checks.integer("depth", depth, 0)
    if not 0 < beta < math.inf:
        raise ValueError(f"beta must be a number above 0, got {beta!r}")
    b = 1 / beta**2
    growth = [math.lgamma(depth + shift) - math.lgamma(shift) for shift in (b + 0.5, b + 1)]
    return math.exp(growth[0] - growth[1])


def relu_correlation(angle: float, depth: int) -> float:
    """Return the correlation of the gradients of an infinitely wide ReLU net at two inputs `angle` radians apart.

        Π_l (π - θ_l) / π,   cos θ_{l+1} = (sin θ_l + (π - θ_l) cos θ_l) / π

    for weights of variance 2/N, He's (Cho & Saul 2009, eq. 6, for the angles). Real nets follow this, not 2^-L: the
    angle between any two inputs shrinks from layer to layer.

    Raises:
        ValueError: the angle lies outside 0 to π, depth is no integer >= 0.
    """
    if not 0 <= angle <= math.pi:
        raise ValueError(f"angle must lie in 0 to π radians, got {angle!r}; use math.radians for degrees")
    correlation = 1.0
    for _ in range(checks.integer("depth", depth, 0)):
        correlation *= (math.pi - angle) / math.pi
        cosine = (math.sin(angle) + (math.pi - angle) * math.cos(angle)) / math.pi
        angle = math.acos(min(1.0, cosine))
    return correlation

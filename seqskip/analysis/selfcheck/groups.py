"""All groups of checks, in the order in which they teach. A new group is one file and one line here."""

from collections.abc import Callable

from seqskip.analysis.selfcheck import (
    bound,
    exponents,
    graph,
    half_lives,
    linear,
    matrices,
    memory_cells,
    oracles,
    shattered,
    tanh,
)
from seqskip.analysis.selfcheck.check import Group

GROUPS: tuple[Callable[[], Group], ...] = (
    linear.responses,
    linear.zeros,
    half_lives.additive,
    half_lives.narx,
    tanh.fixed_points,
    matrices.normal,
    matrices.not_normal,
    bound.attained,
    memory_cells.lstm,
    memory_cells.gru,
    exponents.spectra,
    exponents.chaos,
    shattered.laws,
    oracles.autograd,
    oracles.differences,
    oracles.precision,
    graph.numbers,
)

"""jax, if it is installed: `jax.lax.scan` over the same recurrence, delays and all, compiled by `jax.jit`.

Written as one would write it for speed: the input is projected for all steps at once, a layer whose delays have a
common step is folded into the batch, and the delay line is a ring that is updated in place.
"""

import os
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from itertools import cycle
from typing import Any

import torch

from seqskip.benchmark.contender import Contender, Runner, Step
from seqskip.benchmark.problem import Problem
from seqskip.delays import common_step

UNROLL = 4  # steps of a loop with a ring that are compiled as one; 1 and 16 are slower

Weights = dict[str, Any]
Line = tuple[Any, ...]  # rings (D, B, H), of h or of h and c; step t is at t mod D


def load(threads: int) -> Any:
    """Import jax with as many threads as torch has, if it has not been started before in this process."""
    before = os.environ.get("NPROC")
    os.environ["NPROC"] = str(threads)  # what the thread pool of XLA takes for the number of cores
    try:
        jax = import_module("jax")
        jax.config.update("jax_enable_x64", True)  # without, float64 is quietly float32
        jax.devices("cpu")
    finally:
        os.environ.pop("NPROC")
        if before is not None:
            os.environ["NPROC"] = before
    return jax


def rnn(jax: Any, p: Any, q: Any, kept: Line) -> Line:
    """h = tanh(p + q); p = W x + b_ih and q = U h + b_hh, here and below."""
    return (jax.numpy.tanh(p + q),)


def lstm(jax: Any, p: Any, q: Any, kept: Line) -> Line:
    """c = f ⊙ c̄ + i ⊙ g;  h = o ⊙ tanh(c)."""
    i, f, g, o = jax.numpy.split(p + q, 4, -1)
    c = jax.nn.sigmoid(f) * kept[1] + jax.nn.sigmoid(i) * jax.numpy.tanh(g)
    return jax.nn.sigmoid(o) * jax.numpy.tanh(c), c


def gru(jax: Any, p: Any, q: Any, kept: Line) -> Line:
    """n = tanh(p_n + r ⊙ q_n);  h = z ⊙ h̄ + (1 - z) ⊙ n."""
    (p_r, p_z, p_n), (q_r, q_z, q_n) = (jax.numpy.split(a, 3, -1) for a in (p, q))
    z, n = jax.nn.sigmoid(p_z + q_z), jax.numpy.tanh(p_n + jax.nn.sigmoid(p_r + q_r) * q_n)
    return (n + z * (kept[0] - n),)


CELLS: dict[str, Callable[[Any, Any, Any, Line], Line]] = {"RNN": rnn, "LSTM": lstm, "GRU": gru}


class ScanRunner(Runner):
    """The compiled functions of one problem, and its numbers as jax's."""

    def __init__(self, problem: Problem, jax: Any):
        self.jax, self.case = jax, problem.case
        self.names = list(problem.weights)  # jax sorts the names of a dict; answers are in this order
        self.weights, self.x, self.upstream = jax.tree.map(
            lambda tensor: jax.numpy.asarray(tensor.numpy()), (problem.weights, problem.x, problem.upstream)
        )
        self._train, self._infer = jax.jit(self._gradients), jax.jit(self._output)
        self._step = jax.jit(partial(self._advance, self.case.delays))

    def train(self) -> Sequence[Any]:
        output, gradients = self.jax.block_until_ready(self._train(self.weights, self.x, self.upstream))
        return [output, *gradients]

    def infer(self) -> Any:
        return self.jax.block_until_ready(self._infer(self.weights, self.x))

    def stream(self) -> Step:
        inputs, line, t = cycle(list(self.x[:, :1])), self._zeros(max(self.case.delays), 1), self.jax.numpy.asarray(0)

        def step() -> Any:
            nonlocal line, t
            line, t, h = self.jax.block_until_ready(self._step(self.weights, line, t, next(inputs)))
            return h

        return step

    def _gradients(self, weights: Weights, x: Any, upstream: Any) -> tuple[Any, Any]:
        def output(*given: Any) -> Any:
            return self._output(dict(zip(self.names, given, strict=False)), given[-1] if self.case.input_grad else x)

        value, pull = self.jax.vjp(output, *(weights[name] for name in self.names), *([x] * self.case.input_grad))
        return value, pull(upstream)

    def _output(self, weights: Weights, x: Any) -> Any:
        g, (steps, batch, inputs) = common_step(self.case.delays), x.shape
        delays = tuple(d // g for d in self.case.delays)
        x = self.jax.numpy.pad(x, ((0, -steps % g), (0, 0), (0, 0))).reshape(-1, g * batch, inputs)
        projected = x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"]

        def body(carry: tuple[Line, Any], p: Any) -> tuple[tuple[Line, Any], Any]:
            line, t, h = self._recur(delays, weights, *carry, p)
            return (line, t), h

        start = (self._zeros(max(delays), g * batch), 0)
        _, output = self.jax.lax.scan(body, start, projected, unroll=UNROLL if max(delays) > 1 else 1)
        return output.reshape(-1, batch, self.case.shape[3])[:steps]

    def _advance(self, delays: Sequence[int], weights: Weights, line: Line, t: Any, x: Any) -> tuple[Line, Any, Any]:
        return self._recur(delays, weights, line, t, x @ weights["weight_ih_l0"].T + weights["bias_ih_l0"])

    def _recur(self, delays: Sequence[int], weights: Weights, line: Line, t: Any, p: Any) -> tuple[Line, Any, Any]:
        """Run step t on the projected input p: the next delay line, t + 1, and h."""
        depth = max(delays)
        past = [[ring[(t - d) % depth] for d in delays] for ring in line]
        kept = tuple(sum(states) / len(states) for states in past)
        h = self.jax.numpy.concatenate(past[0], -1) if self.case.combine == "sum" else kept[0]
        new = CELLS[self.case.layer](self.jax, p, h @ weights["weight_hh_l0"].T + weights["bias_hh_l0"], kept)
        return tuple(ring.at[t % depth].set(part) for ring, part in zip(line, new, strict=True)), t + 1, new[0]

    def _zeros(self, depth: int, batch: int) -> Line:
        parts = 2 if self.case.layer == "LSTM" else 1
        return (self.jax.numpy.zeros((depth, batch, self.case.shape[3]), self.x.dtype),) * parts


class JaxScan(Contender):
    """A compiled `jax.lax.scan`."""

    name = "jax scan"

    def build(self, problem: Problem) -> ScanRunner:
        return ScanRunner(problem, load(torch.get_num_threads()))

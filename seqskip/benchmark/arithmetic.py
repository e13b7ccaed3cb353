"""The floating-point operations of a case: its matrix products alone, a multiplication and an addition each.

With B batch, T time, I input, H hidden, G gates (1, 4, 3 for RNN, LSTM, GRU) and K recurrent matrices (the number
of delays; 1 with combine="mean"):

    forward   2·B·T·G·H·(I + K·H)       the input and the recurrent products; all of an inference call
    weights   2·B·T·G·H·(I + K·H)       their gradients with respect to the weights
    states    2·B·T·G·H·K·H             with respect to the past states
    input     2·B·T·G·H·I               with respect to the input, where it is asked for
    training step = forward + weights + states (+ input)

Gates, biases and the mean over delays are not counted, whoever computes them: the rates of all contenders of a case
come from the same number, also that of torch.nn's layer without skips, from its own K = 1.
"""

from dataclasses import replace

from seqskip.benchmark.cases import Case

GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}


def forward(case: Case) -> int:
    """Return the operations of an inference call."""
    batch, steps, inputs, hidden = case.shape
    return 2 * batch * steps * GATES[case.layer] * hidden * (inputs + _matrices(case) * hidden)


def training(case: Case) -> int:
    """Return the operations of a training step."""
    batch, steps, inputs, hidden = case.shape
    per_column = 2 * batch * steps * GATES[case.layer] * hidden
    columns = _matrices(case) * hidden + (inputs if case.input_grad else 0)
    return 2 * forward(case) + per_column * columns


def one_step(case: Case) -> int:
    """Return the operations of one step of a stream, B = T = 1."""
    return forward(replace(case, shape=(1, 1, *case.shape[2:])))


def without_skips(case: Case) -> Case:
    """Return the case of torch.nn's layer: the same shape, the ordinary edge alone."""
    return replace(case, delays=(1,))


def _matrices(case: Case) -> int:
    return 1 if case.combine == "mean" else len(case.delays)

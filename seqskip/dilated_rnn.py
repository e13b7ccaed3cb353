"""The dilated recurrent net of Chang et al. (2017, arXiv 1710.02224)."""

from collections.abc import Sequence

import torch

from seqskip import checks
from seqskip.delays import dilated
from seqskip.layers import GRU, LSTM, RNN, TorchLayer
from seqskip.model import SequenceModel

CELLS: dict[str, type[TorchLayer]] = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU}
DEMO_LAYERS = 9


class DilatedRNN(SequenceModel):
    """A classifier of sequences: a stack with one delay per layer, and a head on its last d_1 outputs.

        state_t^l = Cell(x_t^l, state_{t-d_l}^l),   x^{l+1} = h^l,   state_s = 0 for s < 1        (Section 2.1)
        y = W [h_{T-d_1+1}, ..., h_T] + b                                                 (Section 2.2)

    Input (B, T, input_size), answer (B, output_size), logits for a classification; lengths as for `SequenceModel`, of
    which this is the one with readout="fused": a sample of fewer than d_1 steps has zeros in the place of the others.

    The authors run a layer as an ordinary one of T/d_l steps on d_l times the batch (Figure 3), which is what
    `seqskip.engines.fold` does; every engine gives the same. Differs from their code, which is for TensorFlow 1: a
    delay may be as long as the sequence or longer. Their GRU resets before the matrix product, n = tanh(W x + U (r ⊙
    h)), that of torch after it, so that its weights cannot be carried over. A kernel of theirs for [x, h] is
    [weight_ih, weight_hh] transposed, with the gates of an LSTM in the order i, g, f, o; what it adds to the forget
    gate at each step, 1, is here part of `bias_ih`. All start as theirs: see `seqskip.init.TF1`.

    Args:
        input_size: features of the input.
        output_size: numbers of the answer, such as classes.
        hidden_size: units of each layer, or one number per layer; by default the 20 of the authors' demonstration.
        num_layers: layers; by default as many as there are delays, or 9.
        cell: "RNN", "LSTM" or "GRU".
        delays: d_1, d_2, ..., one per layer; by default 1, 2, 4, ..., as `seqskip.dilated` has them.
        device, dtype: of the weights.

    Raises:
        ValueError: a size or a delay below 1, another number of delays than of layers, an unknown cell.

    >>> model = DilatedRNN(3, 10, hidden_size=8, delays=[2, 4, 8])
    >>> model(torch.zeros(5, 20, 3)).shape
    torch.Size([5, 10])
    >>> model.head.in_features
    16
    """

    def __init__(
        self,
        input_size: int,
        output_size: int,
        hidden_size: int | Sequence[int] = 20,
        num_layers: int | None = None,
        *,
        cell: str = "RNN",
        delays: Sequence[int] | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
    ):
        layer = CELLS[checks.choice("cell", cell, CELLS)]
        each = _one_per_layer(delays, num_layers)
        core = layer(input_size, hidden_size, len(each), delays=each, init="tf1", device=device, dtype=dtype)
        super().__init__(core, output_size=output_size, input_size=input_size, readout="fused")


def _one_per_layer(delays: Sequence[int] | None, num_layers: int | None) -> tuple[tuple[int, ...], ...]:
    """Return the delay of each layer, (d_l,)."""
    if num_layers is None:
        # An empty list is told as such, not as a number of layers.
        num_layers = len(delays) or 1 if isinstance(delays, Sequence) else DEMO_LAYERS
    count = checks.integer("num_layers", num_layers, 1)
    if delays is None:
        return dilated(count)
    return tuple((d,) for d in checks.integer_per_layer("delays", delays, count, 1))

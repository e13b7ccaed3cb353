"""A whole model for sequences: input layer, recurrent core, readout."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from seqskip import checks
from seqskip.interface import LayerState
from seqskip.lengths import cleared, last_states, pick
from seqskip.recurrent import Recurrent
from seqskip.taps import tapped

READOUTS = ("last", "every", "fused")


class SequenceModel(nn.Module):
    """Read a sequence with a recurrent core and answer at its last step or at every step.

    Inputs: x of shape (B, T, input_size), or token numbers (B, T) with num_embeddings.
    Outputs: (B, output_size) with readout="last" or "fused", (B, T, output_size) with readout="every".

    readout="fused" is the head of Chang et al. (2017, arXiv 1710.02224, Section 2.2, and the authors' code). A first
    layer with the one delay d is d recurrences side by side, and its last output knows of every d-th step alone. So
    the head reads the last d outputs, side by side and oldest first; zeros stand for those before the first step. Its
    weights and biases start from N(0, 1). The first layer's d is the greatest common divisor of all it reads, 1 with
    delays=(1, 8): then this is readout="last" with another start.

    With lengths, one integer per sample, the last step is each sample's own; the padding may hold anything, and
    answers there mean nothing. A bidirectional core's answer at the last step reads the forward half of the output
    at the last step and the reverse half at the first: what each direction says after the whole sequence.

    The input goes straight to the core where input_size is the core's; otherwise through a linear layer with
    ReLU (an embedding for tokens) as wide as the core's input.

    Args:
        core: the recurrent layers, with their own batch_first.
        output_size: numbers in one answer.
        input_size: features of the input; give this or num_embeddings.
        num_embeddings: number of different tokens.
        readout: "last", "every" or "fused".

    Raises:
        ValueError: both or none of input_size and num_embeddings, a size below 1, an unknown readout; readout="fused"
            with a bidirectional core; an input of the wrong shape.
    """

    def __init__(
        self,
        core: Recurrent,
        *,
        output_size: int,
        input_size: int | None = None,
        num_embeddings: int | None = None,
        readout: str = "last",
    ):
        super().__init__()
        if (input_size is None) == (num_embeddings is None):
            raise ValueError(f"give input_size or num_embeddings, one of them, got {input_size} and {num_embeddings}")
        checks.integer("output_size", output_size, 1)
        self.readout = checks.choice("readout", readout, READOUTS)
        if not isinstance(core, Recurrent):
            raise ValueError(f"core must be a seqskip layer, got {type(core).__name__}")
        self.encoder = _encoder(input_size, num_embeddings, core)
        self.input_size = input_size  # None for tokens
        self.core = core
        like = next(core.parameters())
        self.window = self._fused_outputs()
        self.head = nn.Linear(self.window * core.output_size, output_size, device=like.device, dtype=like.dtype)
        self._draw_fused()

    def _fused_outputs(self) -> int:
        """Return how many outputs of the core, one step after the other, one answer reads."""
        if self.readout != "fused":
            return 1
        checks.causal("readout='fused'", self.core.bidirectional, "use readout='last'")
        return self.core.cell(0).common_step

    def _draw_fused(self) -> None:
        if self.readout == "fused":
            nn.init.normal_(self.head.weight)
            nn.init.normal_(self.head.bias)

    def reset_parameters(self) -> None:
        """Draw all weights anew, as they were at the start."""
        self.core.reset_parameters()
        for part in (*self.encoder.modules(), self.head):
            if isinstance(part, nn.Embedding | nn.Linear):
                part.reset_parameters()
        self._draw_fused()

    def extra_repr(self) -> str:
        return f"readout={self.readout!r}"

    def forward(self, x: Tensor, *, lengths: Sequence[int] | Tensor | None = None) -> Tensor:
        """Return the answers; shapes as in the class docstring."""
        if lengths is None:
            return self._read(x, None)[0]
        self._check_shape(x)
        batch, steps = x.shape[:2]
        ends = checks.lengths(lengths, batch, steps, x.device, least=0 if self.readout == "every" else 1)
        output, _ = self.core(self.encode(_without_padding(x, ends)), lengths=ends)
        return self.answer(output, ends)

    def run(self, x: Tensor, state: LayerState | None = None) -> tuple[Tensor, LayerState]:
        """Return the answers to a chunk of a sequence, (B, T, output_size), and the state with which the next goes on.

        Chunk after chunk gives the answers to the whole. Gradients flow from chunk to chunk through the state; detach
        it to cut them there, which is truncated backpropagation through time.

        Args:
            x: the chunk, shaped as for a call.
            state: what was returned for the chunk before; None at the start of the sequence.

        Raises:
            ValueError: readout is not "every", or the core reads in both directions or has norm="batch"; an input or a
                state of the wrong shape.

        >>> from seqskip import LSTM
        >>> model = SequenceModel(LSTM(3, 8, delays=(1, 4)), input_size=3, output_size=2, readout="every")
        >>> x = torch.randn(5, 20, 3)
        >>> first, state = model.run(x[:, :12])
        >>> rest, state = model.run(x[:, 12:], state)
        >>> torch.allclose(torch.cat((first, rest), 1), model(x), atol=1e-6)
        True
        """
        self.demand_chunks()
        return self._read(x, state)

    def demand_chunks(self) -> None:
        """Raise ValueError if chunk after chunk does not give the answers to the whole sequence."""
        if self.readout != "every":
            raise ValueError(
                f"a chunk needs a model with readout='every', got readout={self.readout!r}, whose one answer needs the "
                "whole sequence; give it whole, which checkpoint_segments=k of the core does in less memory"
            )
        checks.causal("a chunk", self.core.bidirectional, "give whole sequences, or use bidirectional=False")
        self.core.wiring.demand_steps_alone("a chunk", "give whole sequences")

    def _read(self, x: Tensor, state: LayerState | None) -> tuple[Tensor, LayerState]:
        output, state = self.core(self.encode(x), state)
        return self.answer(output), state

    def encode(self, x: Tensor) -> Tensor:
        """Return what the core reads, (B, T, I), or (T, B, I) for a core that is not batch_first."""
        self._check_shape(x)
        if isinstance(self.encoder, nn.Embedding):
            _check_tokens(x, self.encoder.num_embeddings)
        x = self.encoder(x)
        return x if self.core.batch_first else x.transpose(0, 1)

    def answer(self, output: Tensor, lengths: Tensor | None = None) -> Tensor:
        """Return the readout of the core's output, both as the core and this model lay them out."""
        if self.readout == "every":
            return self.answer_every_step(output)
        read = self._last if self.readout == "last" else self._last_window
        answer: Tensor = self.head(read(output.transpose(0, 1) if self.core.batch_first else output, lengths))
        return answer

    def answer_every_step(self, output: Tensor) -> Tensor:
        """Return what the head says at every step, (B, T, output_size), from the core's output as the core lays it out.

        With readout="fused" it reads at each step the outputs up to there.
        """
        time_major = output.transpose(0, 1) if self.core.batch_first else output
        taps = range((self.window - 1) * self._stride, -1, -self._stride)
        before = time_major.new_zeros(taps[0], *time_major.shape[1:])
        read, _ = tapped(time_major, before, taps, None)
        # Laid out as the layers have it: otherwise each of them would copy the gradient of its output.
        answers: Tensor = self.head(read)
        return answers.transpose(0, 1)

    def _last(self, output: Tensor, lengths: Tensor | None) -> Tensor:
        """Return what each direction says after the last step that it reads, (B, ·) from (T, B, ·)."""
        last = output[-1] if lengths is None else pick(output, lengths.unsqueeze(0) - 1)[0]
        if not self.core.bidirectional:
            return last
        return torch.where(torch.tensor(self.core.read_backwards, device=last.device), output[0], last)

    def _last_window(self, output: Tensor, lengths: Tensor | None) -> Tensor:
        """Return the last d outputs, oldest first, (B, d·H) from (T, B, H)."""
        before = output.new_zeros(self.window * self._stride, *output.shape[1:])
        ends = last_states(before, output, lengths)
        return ends[self._stride - 1 :: self._stride].transpose(0, 1).flatten(1)

    @property
    def _stride(self) -> int:
        """How many steps apart the fused outputs are: more than one where the core was resampled."""
        return max(1, self.core.cell(0).common_step // self.window)

    def _check_shape(self, x: object) -> None:
        if isinstance(x, PackedSequence):
            raise ValueError(
                "input must be a tensor, got PackedSequence; "
                "use torch.nn.utils.rnn.pad_packed_sequence(x, batch_first=True) for the input and its lengths"
            )
        if self.input_size is None:
            _check_token_shape(x)
        else:
            checks.sequence(x, self.input_size, self.head.weight, ["(B, T, input_size)"])


def _encoder(input_size: int | None, num_embeddings: int | None, core: Recurrent) -> nn.Module:
    like = next(core.parameters())
    if num_embeddings is not None:
        checks.integer("num_embeddings", num_embeddings, 1)
        return nn.Embedding(num_embeddings, core.input_size, device=like.device, dtype=like.dtype)
    features = checks.integer("input_size", input_size, 1)
    if features == core.input_size:
        return nn.Identity()
    return nn.Sequential(nn.Linear(features, core.input_size, device=like.device, dtype=like.dtype), nn.ReLU())


def _without_padding(x: Tensor, lengths: Tensor) -> Tensor:
    """Return x (B, T) or (B, T, I) with zeros in the padding: a token that every embedding knows."""
    return cleared(x.transpose(0, 1), lengths).transpose(0, 1)


def _check_token_shape(x: object) -> None:
    if not isinstance(x, Tensor) or x.dim() != 2 or x.size(1) == 0:
        got = tuple(x.shape) if isinstance(x, Tensor) else type(x).__name__
        raise ValueError(f"input must have shape (B, T) of token numbers, T >= 1, got {got}")


def _check_tokens(x: Tensor, known: int) -> None:
    if x.dtype not in (torch.int32, torch.int64):
        raise ValueError(f"token numbers must be integers, int32 or int64, got {x.dtype}; use .long()")
    # On an accelerator the look would stop its queue, and it would cut a compiled graph; the embedding checks too.
    if x.device.type != "cpu" or torch.compiler.is_compiling():
        return
    if x.numel() and not 0 <= int(x.min()) <= int(x.max()) < known:
        raise ValueError(f"token numbers must lie in 0 to {known - 1}, got {int(x.min())} to {int(x.max())}")

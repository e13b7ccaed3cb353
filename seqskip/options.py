"""The keyword arguments that all layers share, for those that hand them on."""

from collections.abc import Sequence
from typing import TypedDict

import torch

from seqskip.delays import Delays, InputDelays
from seqskip.init import Initialiser


class SkipOptions(TypedDict, total=False):
    """The keyword arguments that every layer has beside torch.nn's; `Recurrent` describes them."""

    delays: Delays
    input_delays: InputDelays
    residual: str | None
    projection: str | None
    norm: str | None
    norm_first: bool
    residual_scale: float | None
    stochastic_depth: float
    variational_dropout: float
    learn_initial_state: bool
    backend: str
    checkpoint_segments: int
    device: torch.device | str | None
    dtype: torch.dtype | None


class TorchOptions(SkipOptions, total=False):
    """The keyword arguments that RNN, LSTM and GRU have beside torch.nn's; `TorchLayer` describes its own of them."""

    combine: str
    init: Initialiser | str
    layer_norm: bool
    recurrent_dropout: float
    weight_dropout: float
    zoneout: float | Sequence[float]


class StackOptions(SkipOptions, total=False):
    """The keyword arguments that every layer has."""

    batch_first: bool
    dropout: float
    bidirectional: bool

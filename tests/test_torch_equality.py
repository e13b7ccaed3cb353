"""With delays=1 a layer is torch.nn's, for every option of its constructor and every layout of its input."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from seqskip import LSTM, RNN
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.cut import with_gradients
from tests.found import VARIANTS, Variant
from tests.strategies import as_parts, random_input

pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN:UserWarning")

KINDS = [*VARIANTS, Variant(LSTM, {"proj_size": 2})]
# Every option of the constructor; a dropout stands where there are two layers.
OPTIONS: Mapping[str, tuple[Any, ...]] = {
    **{"bias": (True, False), "batch_first": (False, True), "bidirectional": (False, True)},
    "num_layers": (1, 2),
}
CONSTRUCTORS = [dict(zip(OPTIONS, values, strict=True)) for values in itertools.product(*OPTIONS.values())]
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}
LENGTHS = torch.tensor([2, 5, 5, 1])


def pair(variant: Variant, *sizes: int, **options: Any) -> tuple[Recurrent, nn.RNNBase]:
    """Return our layer and torch's, made after the same seed."""
    torch.manual_seed(3)
    ours = variant.build(*sizes, **options)
    torch.manual_seed(3)
    return ours, variant.build_torch(*sizes, **options)


def packed(x: Tensor, batch_first: bool, lengths: Tensor) -> PackedSequence:
    return pack_padded_sequence(x.transpose(0, 1) if batch_first else x, lengths, batch_first, enforce_sorted=False)


def packed_in_order(x: Tensor, batch_first: bool, lengths: Tensor) -> PackedSequence:
    descending = lengths.sort(descending=True).values
    return pack_padded_sequence(x.transpose(0, 1) if batch_first else x, descending, batch_first)


# Of x (T, B, I) what a caller hands in.
LAYOUTS: Mapping[str, Callable[[Tensor, bool, Tensor], Any]] = {
    "padded": lambda x, batch_first, lengths: x.transpose(0, 1) if batch_first else x,
    "unbatched": lambda x, batch_first, lengths: x[:, 0],
    "packed": packed_in_order,
    "packed-unsorted": packed,
}


def answers(layer: nn.Module, layout: str, x: Tensor, state: State | None) -> list[Tensor]:
    """Return output, state, and the gradients of x, the given state and all weights."""
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *(state or ()))]
    parts = [leaf[:, 0] for leaf in leaves[1:]] if layout == "unbatched" else leaves[1:]
    hx = None if state is None else parts[0] if len(parts) == 1 else tuple(parts)
    torch.manual_seed(5)  # of dropout
    output, final = layer(LAYOUTS[layout](leaves[0], layer.batch_first, LENGTHS), hx)
    if isinstance(output, PackedSequence):
        output = output.data
    return with_gradients([output, *as_parts(final)], [*leaves, *layer.parameters()])


def assert_same(ours: list[Tensor], theirs: list[Tensor], slack: float = 1.0) -> None:
    tolerance = slack * TOLERANCE[theirs[0].dtype]
    for mine, other in zip(ours, theirs, strict=True):
        # A gradient is a sum, as accurate as its largest numbers are.
        torch.testing.assert_close(mine, other, rtol=0, atol=tolerance * max(1.0, other.abs().max().item()))


RUNS = [(torch.float32, "auto"), (torch.float64, "auto"), (torch.float64, "reference")]


@pytest.mark.parametrize(("dtype", "engine"), RUNS, ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_option(kind: Variant, layout: str, dtype: torch.dtype, engine: str) -> None:
    for options in CONSTRUCTORS:
        dropout = 0.3 if options["num_layers"] > 1 else 0.0
        ours, theirs = pair(kind, 3, 4, **options, dropout=dropout, dtype=dtype)
        named = zip(ours.named_parameters(), theirs.named_parameters(), strict=True)
        assert all(name == other and torch.equal(one, two) for (name, one), (other, two) in named)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        ours.backend = engine
        for layer in (ours, theirs):
            layer.train("packed" not in layout)  # torch.nn drops the rows of a pack, seqskip those of a padded batch
        x, state = random_input(ours, int(LENGTHS.max()), len(LENGTHS))
        for given in (None, state):
            assert_same(answers(ours, layout, x, given), answers(theirs, layout, x, given))


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_packs_are_kept_and_torch_loads_our_weights(kind: Variant) -> None:
    ours, theirs = kind.build(3, 4, bidirectional=True), kind.build_torch(3, 4, bidirectional=True)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(5, 4, 3)
    for pack in (packed, packed_in_order):
        mine, other = (layer(pack(x, False, LENGTHS))[0] for layer in (ours, theirs))
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-6)


def test_arguments_may_be_given_by_position_as_to_torch(variant: Variant) -> None:
    arguments = [4, 5, 2, *variant.options.values(), False, True, 0.25, True]
    ours, theirs = variant.layer_type(*arguments), getattr(nn, variant.layer_type.__name__)(*arguments)
    names = ("input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size")
    for name in (*names, "mode", *variant.options):
        assert getattr(ours, name) == getattr(theirs, name)


def counter(num_layers: int, dropout: float) -> RNN:
    """Return a net whose first layer counts the steps, h_t = h_{t-1} + 1, and whose others hand its output on."""
    net = RNN(1, 20, num_layers, "relu", dropout=dropout)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            weight.zero_()
            if name == "weight_hh_l0" or (name.startswith("weight_ih") and not name.endswith("l0")):
                weight.copy_(torch.eye(20))
        net.bias_ih_l0.fill_(1)
    return net


@pytest.mark.parametrize("pack", [False, True], ids=["padded", "packed"])
def test_dropout_in_training_drops_its_share_of_outputs_and_no_state(pack: bool) -> None:
    steps, batch, p = 20, 50, 0.25
    x = torch.zeros(steps, batch, 1)
    output = counter(2, p)(pack_padded_sequence(x, [steps] * batch) if pack else x)[0]
    output = output.data.view(steps, batch, 20) if pack else output
    count = torch.arange(1.0, steps + 1).view(-1, 1, 1).expand_as(output)
    kept = output != 0
    # Had the state been dropped, the counts would not be whole; the others are scaled by 1/(1-p).
    torch.testing.assert_close(output[kept] * (1 - p), count[kept])
    deviation = (p * (1 - p) / output.numel()) ** 0.5
    assert abs(1 - kept.double().mean().item() - p) < 5 * deviation


def test_the_last_layer_has_no_dropout_and_a_layer_alone_says_so() -> None:
    x = torch.zeros(6, 2, 1)
    with pytest.warns(UserWarning, match=r"^dropout=0\.9 must stand between layers to drop anything, got num_layers=1"):
        alone = counter(1, 0.9)
    assert torch.equal(alone(x)[0], counter(1, 0.0)(x)[0])

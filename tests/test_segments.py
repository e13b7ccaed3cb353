"""`checkpoint_segments`: the gradients of the whole sequence, segment after segment."""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.utils.rnn import pack_sequence

import seqskip.segments
from seqskip import RNN, SequenceModel
from seqskip.engines import ENGINES
from seqskip.history import State
from seqskip.recurrent import Recurrent
from tests.cut import ragged, spoilt, with_gradients
from tests.found import Variant
from tests.strategies import as_parts, assert_close, few, layers, random_input
from tests.test_bad_input import NO_INTEGERS, refused

engines = pytest.mark.parametrize("engine", sorted(ENGINES))


def results(layer: Recurrent, segments: int, x: Tensor, state: State, lengths: list[int] | None) -> list[Tensor]:
    """Return output, state and all gradients of a layer whose sequence is cut in so many segments."""
    layer.checkpoint_segments = segments
    x, *initial = (leaf.clone().requires_grad_() for leaf in (x, *state))
    output, final = layer(x, tuple(initial), lengths=lengths)
    return with_gradients([output, *as_parts(final)], [x, *initial, *layer.parameters()])


@engines
@few
@given(st.data())
def test_segments_change_nothing(variant: Variant, engine: str, data: st.DataObject) -> None:
    layer = data.draw(layers(variant, backend=engine))
    x, state, lengths = data.draw(ragged(layer))
    given = data.draw(st.sampled_from([None, lengths]))
    x = x if given is None else spoilt(x, lengths, float("nan"))
    expected = results(layer, 1, x, state, given)
    assert_close(results(layer, data.draw(st.integers(2, len(x) + 2)), x, state, given), expected)


def pieces(steps: int, count: int) -> list[int]:
    """Return how many steps each segment takes, as the layer's blocks see them."""
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        whole = seqskip.segments.run_stack
        patch.setattr(seqskip.segments, "run_stack", lambda *call: seen.append(len(call[1])) or whole(*call))
        RNN(1, 1, checkpoint_segments=count)(torch.zeros(steps, 1, 1))
    return seen


def test_segments_are_of_nearly_equal_length() -> None:
    assert pieces(10, 4) == [3, 3, 2, 2]
    assert pieces(3, 3) == pieces(3, 100) == [1, 1, 1]
    assert pieces(3, 1) == [3]


def test_one_segment_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    whole = seqskip.segments.run_stack

    def run(blocks: Any, x: Tensor, state: State, *rest: Any) -> Any:
        step = int(x[0].sum())
        if f"run {step}" not in events:
            state[0].register_hook(lambda _: events.append(f"gradient {step}"))
        events.append(f"run {step}")
        return whole(blocks, x, state, *rest)

    monkeypatch.setattr(seqskip.segments, "run_stack", run)
    x, state = torch.arange(6.0).view(6, 1, 1), torch.zeros(4, 1, 2, requires_grad=True)
    RNN(1, 2, 2, delays=2, checkpoint_segments=3)(x, state)[0].sum().backward()
    forward, backward = events[:3], events[3:]
    assert forward == ["run 0", "run 2", "run 4"]
    assert backward == [f"{what} {step}" for step in (4, 2, 0) for what in ("run", "gradient")]


def test_dropout_drops_the_same_again(variant: Variant) -> None:
    layer = variant.build(2, 3, 3, delays=(1, 3), dropout=0.5, residual="add", dtype=torch.float64)
    x, state = random_input(layer, 12, 2)
    torch.manual_seed(5)
    mine = results(layer, 3, x, state, None)

    layer.checkpoint_segments = 1
    leaves = [leaf.clone().requires_grad_() for leaf in (x, *state)]
    torch.manual_seed(5)
    outputs, line = [], tuple(leaves[1:])
    for piece in leaves[0].split(4):
        output, line = layer(piece, line)
        outputs.append(output)
    assert_close(mine, with_gradients([torch.cat(outputs), *as_parts(line)], [*leaves, *layer.parameters()]))
    assert not torch.equal(mine[0], results(layer, 1, x, state, None)[0])


@engines
def test_layouts(variant: Variant, engine: str) -> None:
    options = {"delays": ((1, 2), (3,)), "backend": engine, "dtype": torch.float64}
    layer = variant.build(2, 3, 2, **options)
    cut = variant.build(2, 3, 2, batch_first=True, checkpoint_segments=3, **options)
    cut.load_state_dict(layer.state_dict())
    x, _ = random_input(layer, 7, 3)
    packed = pack_sequence([x[:4, 0], x[:, 1], x[:1, 2]], enforce_sorted=False)
    assert_close([cut(packed)[0].data], [layer(packed)[0].data])
    assert_close([cut(x.transpose(0, 1))[0].transpose(0, 1)], [layer(x)[0]])
    assert_close([cut(x[:, 0])[0]], [layer(x[:, 0])[0]])
    assert_close([cut.step(x[0])[0]], [layer.step(x[0])[0]])


def test_without_gradients_nothing_is_cut(variant: Variant) -> None:
    layer = variant.build(2, 3, checkpoint_segments=4)
    with pytest.MonkeyPatch.context() as patch, torch.no_grad():
        patch.setattr(seqskip.segments, "checkpoint", None)
        output, _ = layer(torch.randn(8, 2, 2))
        assert output.shape == (8, 2, 3)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(TypeError):
        patch.setattr(seqskip.segments, "checkpoint", None)
        layer(torch.randn(8, 2, 2))


@engines
def test_double_backward(variant: Variant, engine: str) -> None:
    layer = variant.build(1, 2, delays=2, backend=engine, checkpoint_segments=2, dtype=torch.float64)
    x, state = random_input(layer, steps=3, batch=1)
    assert torch.autograd.gradgradcheck(lambda x: layer(x, state)[0], x.requires_grad_())


def test_a_second_backward_pass_over_a_kept_graph(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, delays=(1, 2), checkpoint_segments=3, dtype=torch.float64)
    loss, weights = layer(random_input(layer, 7, 2)[0])[0].square().sum(), list(layer.parameters())
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    assert_close(torch.autograd.grad(loss, weights), first)


@pytest.mark.filterwarnings("ignore")  # what torch says while it traces is another test's matter
def test_compiled(variant: Variant) -> None:
    layer = variant.build(2, 3, 2, delays=(1, 2), checkpoint_segments=3, dtype=torch.float64)
    x, weights = random_input(layer, 7, 2)[0], list(layer.parameters())
    expected = torch.autograd.grad(layer(x)[0].square().sum(), weights)
    compiled = torch.compile(layer, backend="aot_eager")
    assert_close(torch.autograd.grad(compiled(x)[0].square().sum(), weights), expected)
    torch.compiler.reset()


def test_torch_func_says_that_it_knows_no_checkpoints(variant: Variant) -> None:
    layer = variant.build(2, 3, checkpoint_segments=3)
    with pytest.raises(RuntimeError, match="saved tensor hooks"):
        torch.func.grad(lambda x: layer(x)[0].sum())(torch.randn(7, 2, 2))


def test_in_a_model(variant: Variant) -> None:
    core = variant.build(2, 3, 2, delays=(1, 2), batch_first=True, dtype=torch.float64)
    model = SequenceModel(core, num_embeddings=5, output_size=1)
    tokens, weights, found = torch.randint(5, (3, 9)), list(model.parameters()), []
    for core.checkpoint_segments in (1, 4):
        answers = model(tokens, lengths=[3, 9, 5])
        found.append([answers, *torch.autograd.grad(answers.square().sum(), weights)])
    assert_close(found[1], found[0])


@pytest.mark.parametrize("bad", NO_INTEGERS)
def test_bad_counts(layer_type: type[Recurrent], bad: Any) -> None:
    with refused("checkpoint_segments must be an integer >= 1", f"got {bad!r}"):
        layer_type(2, 3, checkpoint_segments=bad)


def test_two_directions_are_refused(layer_type: type[Recurrent]) -> None:
    layer_type(2, 3, bidirectional=True, checkpoint_segments=1)
    with refused("checkpoint_segments > 1 needs a layer with bidirectional=False", "use checkpoint_segments=1"):
        layer_type(2, 3, bidirectional=True, checkpoint_segments=2)

"""`SequenceModel.run`: chunk after chunk a model says what it says to the whole sequence, or refuses chunks."""

from typing import Any

import pytest
import torch

from seqskip import GRU, LSTM, SequenceModel
from tests.contract import CASES, Case
from tests.found import Variant
from tests.strategies import as_parts, assert_close
from tests.test_bad_input import refused


def every_step(core: Any, **sizes: int) -> SequenceModel:
    return SequenceModel(core, output_size=2, readout="every", **(sizes or {"input_size": core.input_size}))


@pytest.mark.parametrize("case", [case for case in CASES if case.options.get("norm") != "batch"], ids=str)
def test_chunk_after_chunk_is_the_whole(case: Case) -> None:
    core = case.build()
    model, x = every_step(core), torch.randn(3, 9, 2, dtype=torch.float64)
    answers, state = [], None
    for chunk in x.split([4, 1, 2, 2], 1):
        answer, state = model.run(chunk, state)
        answers.append(answer)
    assert state is not None
    z = x if core.batch_first else x.transpose(0, 1)
    assert_close([torch.cat(answers, 1), *as_parts(state)], [model(x), *as_parts(core(z)[1])])


def test_gradients_flow_through_the_state(variant: Variant) -> None:
    core = variant.build(2, 3, 2, delays=((1, 3), (2,)), residual="add", batch_first=True, dtype=torch.float64)
    model, tokens = every_step(core, num_embeddings=5), torch.randint(5, (3, 9))
    first, state = model.run(tokens[:, :5])
    rest, _ = model.run(tokens[:, 5:], state)
    weights = list(model.parameters())
    mine = torch.autograd.grad(torch.cat((first, rest), 1).square().sum(), weights)
    assert_close(mine, torch.autograd.grad(model(tokens).square().sum(), weights))


@pytest.mark.parametrize("readout", ["last", "fused"])
def test_one_answer_in_all_is_refused(readout: str) -> None:
    model = SequenceModel(GRU(2, 4), input_size=2, output_size=1, readout=readout)
    with refused("a chunk needs a model with readout='every'", f"got readout={readout!r}", "checkpoint_segments"):
        model.run(torch.zeros(3, 5, 2))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bidirectional": True}, ("with bidirectional=False", "got bidirectional=True", "give whole sequences")),
        ({"norm": "batch"}, ("a norm of each step alone", "got norm='batch'", "use norm='layer' or 'rms'")),
    ],
    ids=["two directions", "batch norm"],
)
def test_what_reads_the_whole_sequence_is_refused(options: dict[str, Any], words: tuple[str, ...]) -> None:
    with refused("a chunk needs", *words):
        every_step(LSTM(2, 4, **options)).run(torch.zeros(3, 5, 2))


def test_a_state_of_another_batch_is_refused() -> None:
    model = every_step(GRU(2, 4, delays=3))
    _, state = model.run(torch.zeros(3, 5, 2))
    with refused("state h_0 must have shape (3, 2, 4)", "got (3, 3, 4)"):
        model.run(torch.zeros(2, 5, 2), state)
    with refused("input must have at least one time step", "got"):
        model.run(torch.zeros(3, 0, 2), state)

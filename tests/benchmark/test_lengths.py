"""`python -m seqskip.benchmark.lengths`, as a user runs it."""

import pytest
import torch

from seqskip.benchmark.cases import LAYERS
from seqskip.benchmark.lengths import main, ways

SIZE = (3, 6, 2, 4)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layer", LAYERS)
def test_all_ways_run_the_same_batch(layer: str, bidirectional: bool) -> None:
    found = ways(layer, SIZE, (1, 2), bidirectional)
    total = found["torch.nn packed, unsorted"].given.batch_sizes.sum()  # type: ignore[union-attr]
    packed = [way.infer() for name, way in found.items() if "packed" in name]
    assert {len(output) for output in packed} == {int(total)} and total < SIZE[0] * SIZE[1]
    in_order, as_it_is = (found[f"seqskip packed, {way}"].infer() for way in ("sorted", "unsorted"))
    torch.testing.assert_close(in_order, as_it_is)
    padded = found["seqskip lengths="].infer()
    assert torch.count_nonzero(padded.abs().sum(2)) == total
    assert padded.sum().item() == pytest.approx(as_it_is.sum().item(), abs=1e-5)


def test_a_step_of_training_gives_the_gradient_of_every_weight() -> None:
    for way in ways("LSTM", SIZE, (1, 2), False).values():
        assert [grad.shape for grad in way.train()] == [weight.shape for weight in way.weights]


@pytest.mark.parametrize("clock", ["", " --cpu-time"])
def test_what_it_prints(capsys: pytest.CaptureFixture[str], clock: str) -> None:
    words = f"--quick --repeats 2 --layers GRU --delays 1,3 --shapes 2,7,2,4 --bidirectional --threads 1{clock}"
    threads = torch.get_num_threads()
    assert main(words.split()) == 0 and torch.get_num_threads() == threads
    printed = capsys.readouterr().out
    assert "GRU  delays 1, 3   B=2 T=7 I=2 H=4  bidirectional" in printed
    rows = [line for line in printed.splitlines() if line.startswith(("seqskip", "torch.nn"))]
    assert len(rows) == 7 and all(len(row.split()) >= 8 for row in rows)
    assert [row.split()[-1] for row in rows if " padded" in row] == ["1.00", "1.00"]


def test_every_run_measures_the_same_batch() -> None:
    before = torch.get_rng_state()
    first, second = (ways("GRU", SIZE, (1, 2), False)["seqskip lengths="] for _ in range(2))
    assert torch.equal(first.infer(), second.infer()) and torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("words", ["--repeats 0", "--shapes 1,2", "--delays 0", "--layers Elman"])
def test_a_bad_option_is_one_line(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(words.split())
    assert len(capsys.readouterr().err.splitlines()) == 1

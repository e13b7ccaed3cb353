"""The hundred layers of the depth command, and what it prints."""

from pathlib import Path

import pytest
import torch

from seqskip.benchmark import depth, wiring


@pytest.mark.slow
def test_a_hundred_residual_layers_train_where_the_plain_ones_do_not_move() -> None:
    chance = depth.TASK.baseline()
    plain, residual = (depth.train(depth.STACKS[name]) for name in ("plain", "residual, α from 0.1"))
    # Without memory of the symbols: the loss stays at ln 4, the accuracy at 1/4, four standard errors of 512 guesses.
    assert plain.after.loss > 0.98 * chance["recall_loss"]
    assert plain.after.accuracy < chance["recall_accuracy"] + 4 * (0.25 * 0.75 / 512) ** 0.5
    assert residual.after.loss < 0.2 * chance["recall_loss"] and residual.after.accuracy > 0.9
    assert plain.before.gradients.log_norm[1] < plain.before.gradients.log_norm[-1] - 40  # 17 decades
    assert abs(residual.before.gradients.log_norm[1] - residual.before.gradients.log_norm[-1]) < 5


def test_the_command_trains_every_stack_and_draws(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    assert depth.main(["--layers", "4", "--steps", "2", "--threads", "1", "--out", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [name for name in depth.STACKS if any(line.startswith(name + " ") for line in lines)] == list(depth.STACKS)
    assert path.stat().st_size > 1000


def test_the_wiring_command_has_a_row_for_each_wiring(capsys: pytest.CaptureFixture[str]) -> None:
    assert wiring.main(["--quick", "--repeats", "1", "--threads", "1", "--layers", "RNN"]) == 0
    printed = capsys.readouterr().out
    assert all(f"\n{name} " in printed for name in wiring.WIRINGS)


def test_by_hand_is_the_same_arithmetic() -> None:
    x = torch.randn(5, 3, 4)
    for name, one in wiring.WIRINGS.items():
        torch.manual_seed(0)
        wrapped = wiring.WAYS["wrapped"](wiring.RNN, 4, 4, one)
        hand = wiring.WAYS["by hand"](wiring.RNN, 4, 4, one)
        for n, layer in enumerate(wrapped):
            hand.layers[n].load_state_dict(layer.module.state_dict())
            if one.residual == "highway":
                hand.gates[n].load_state_dict({"weight": layer.weight_highway, "bias": layer.bias_highway})
        torch.testing.assert_close(wrapped(x), hand(x), msg=name)

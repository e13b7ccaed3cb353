"""A suite of tiny runs, and how tests change it."""

from pathlib import Path

TINY = """\
# seqskip bench run tiny
# Two nets, one task.
# The end.
seeds: 2
match_parameters: 350
models:
  plain: {core: RNN}
  skip:
    delays: [1, 4]
    core: {class_path: GRU, init_args: {init: orthogonal}}
tasks:
  lag:
    task: {class_path: LagCopy, init_args: {alphabet: 4, length: 20}}
    lengths: {lag: [2, 3]}
budget: {steps: 4}
config:
  data: {batch_size: 4, steps_per_epoch: 2, val_size: 8, test_size: 8}
  model: {optimizer: {class_path: Adam, init_args: {lr: 1e-2}}}
  trainer: {accelerator: cpu}
"""


def write(folder: Path, *changes: tuple[str, str], name: str = "tiny") -> Path:
    """Write the suite with some of its text replaced, and return its file."""
    text = TINY
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / f"{name}.yaml"
    path.write_text(text, encoding="utf-8")
    return path

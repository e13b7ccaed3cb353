"""What the shipped configs reach on their tasks: each is trained as a user would, and told in one table.

    python -m seqskip.benchmark.results --out docs/results/tasks.md --mnist DIR

Trainings that have finished under --runs are not done again: after an interruption the same command goes on.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqskip.benchmark.arguments import Command
from seqskip.benchmark.machine import describe

HEAD = ("command", "task, lag", "net, weights", "steps", "seconds, threads", "reached", "without memory", "solved")


@dataclass(frozen=True)
class Training:
    """A config, what of it is changed, and whether it reads MNIST."""

    config: str
    changes: tuple[str, ...] = ()
    mnist: bool = False

    @property
    def name(self) -> str:
        """The name of its run, such as copying-delay_500."""
        return "-".join((self.config, *(word.rpartition(".")[2].replace("=", "_") for word in self.changes)))

    @property
    def command(self) -> str:
        """What a reader runs."""
        root = ("--data.root DIR",) if self.mnist else ()
        return " ".join(("seqskip fit --config", self.config, *(f"--{word}" for word in self.changes), *root))

    def finished(self, runs: Path) -> bool:
        """Return whether its run has come to an end."""
        return (runs / self.name / "summary.json").is_file()

    def train(self, runs: Path, mnist: Path | None, threads: int) -> None:
        """Run it in a process of its own, or go on with what was begun; nothing if it has finished."""
        run = runs / self.name
        if self.finished(runs):
            return
        words = ["--run", str(run)] if (run / "config.yaml").is_file() else self._words(runs, mnist)
        command = [sys.executable, "-m", "seqskip", "fit", *words, f"--threads={threads}"]
        subprocess.run(command, check=True)

    def row(self, runs: Path) -> str:
        """Return the line of the table that its run has earned."""
        found = json.loads((runs / self.name / "summary.json").read_text(encoding="utf-8"))
        value = found["metrics"][found["monitor"]]
        cells = (
            f"`{self.command}`",
            f"{found['task']}, {found['lag']:,}",
            f"{found['model']}, {found['parameters']:,}",
            f"{found['steps']:,}",
            f"{found['seconds']:,.0f}, {found['threads']}",
            f"{found['monitor'].replace('_', ' ')} {value['measured']:.4g}",
            f"{value['baseline']:.4g}",
            "yes" if found["solved"] else "no",
        )
        return _line(cells)

    def _words(self, runs: Path, mnist: Path | None) -> list[str]:
        root = [f"--data.root={mnist}"] if self.mnist else []
        place = ["--name", self.name, f"--trainer.default_root_dir={runs}"]
        return ["--config", self.config, *place, *(f"--{word}" for word in self.changes), *root]


TRAININGS = (
    *(Training("copying", (f"data.task.delay={delay}",)) for delay in (500, 1000, 2000)),
    *map(Training, ("copying_10000", "copying_100000")),
    Training("selective_copying"),
    *map(Training, ("adding", "adding_1000")),
    *(Training("temporal_order", (f"data.task.symbols={symbols}",)) for symbols in (2, 3)),
    *map(Training, ("lag_copy", "temporal_xor", "latch", "embedded_reber", "noise_free_lag", "multiplication")),
    *map(Training, ("frequency_discrimination", "parity", "even_pairs", "cycle_navigation", "modular_arithmetic")),
    *map(Training, ("multi_query_recall", "sequential_digits", "mnist1d", "japanese_vowels", "acsf1", "sunspots")),
    Training("permuted_mnist", mnist=True),
)


def main(words: Sequence[str] | None = None) -> int:
    """Train, write the table, and return 0, or 130 if it was interrupted."""
    command = Command("seqskip.benchmark.results", __doc__)
    add = command.add_argument
    add("--out", type=Path, metavar="FILE", help="Markdown file to write; by default the table is printed alone")
    add("--runs", type=Path, default=Path("runs"), metavar="DIR", help="folder of the runs (default: runs)")
    add("--mnist", type=Path, metavar="DIR", help="folder of MNIST's files; without it what reads them is left out")
    add("--only", nargs="+", default=(), metavar="CONFIG", help="only trainings of these configs")
    add("--finished", action="store_true", help="train nothing: the table of what has finished under --runs")
    return command.run(words, _train_all)


def _train_all(options: argparse.Namespace) -> None:
    chosen = [one for one in TRAININGS if not options.only or one.config in options.only]
    if options.finished:
        chosen = [one for one in chosen if one.finished(options.runs)]
    rows = []
    for training in chosen:
        if training.mnist and options.mnist is None and not training.finished(options.runs):
            print(f"left out, for --mnist is not given: {training.command}")
            continue
        training.train(options.runs, options.mnist, options.threads)
        rows.append(training.row(options.runs))
    text = "\n".join([_line(HEAD), "|---|---|---|---:|---:|---|---:|---|", *rows])
    print(text)
    if options.out is not None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(_page(text), encoding="utf-8")


def _page(table: str) -> str:
    return f"""# Results on the tasks

```bash
python -m seqskip.benchmark.results --out docs/results/tasks.md --mnist DIR
```

One training of each config, seed 0, on an {describe()["cpu"]} with {describe()["cores"]} cores.
A training ends when the validation set is solved, or after the config's last step; what was reached is measured on the
test set, with the weights that were best in validation. Without memory: the best guess that remembers nothing.
Seconds are those of a shared machine: other work on it doubles them and more. [What each task is](../tasks.md).

{table}
"""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    sys.exit(main())

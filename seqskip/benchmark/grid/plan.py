"""One run of a suite, and what makes it the same run tomorrow."""

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any

from seqskip.benchmark.store.ledger import title

CODE_VERSION = version("seqskip")
DIGITS = 20  # of a run's name: two of a million runs are alike with a probability of 1e-12


@dataclass(frozen=True)
class Plan:
    """One run of a suite.

    Attributes:
        model: its name in the suite.
        task: its name in the suite.
        length: the arguments of the task that vary, such as {"delay": 500}.
        tuning: the settings that are tuned, such as {"model.optimizer.init_args.lr": 0.001}.
        seed: of the weights, the data and all else that is random.
        config: all settings, as `seqskip fit` reads them.
        task_version: of the class of the task.
        load: the files of the user's that register tasks, for processes that have not run them yet.
    """

    model: str
    task: str
    length: dict[str, Any]
    tuning: dict[str, Any]
    seed: int
    config: dict[str, Any]
    task_version: int
    load: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The name of the run: a hash of its config, task version and code version; how it is called is no part."""
        said = {"config": self.config, "task_version": self.task_version, "code_version": CODE_VERSION}
        text = json.dumps(said, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:DIGITS]

    @property
    def title(self) -> str:
        """What a line of progress calls it."""
        return title(self)

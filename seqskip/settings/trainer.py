"""What may be asked of the trainer of a run that is one of many."""

from collections.abc import Iterable
from typing import Any

from pytorch_lightning.accelerators import AcceleratorRegistry
from pytorch_lightning.strategies import StrategyRegistry

from seqskip import checks

# What the benchmark itself says to the trainer, and the budget to it.
OURS = (
    "callbacks",
    "logger",
    "default_root_dir",
    "enable_progress_bar",
    "enable_model_summary",
    "enable_checkpointing",
)
LIMITS = ("num_sanity_val_steps", "fast_dev_run", "max_steps", "max_time", "max_epochs")
# Strategies whose processes are copies of the one that starts them, and take its record along.
WITHIN = ("spawn", "fork", "notebook")


def demand_possible(trainer: dict[str, Any]) -> None:
    """Raise ValueError if no run can have these settings of a trainer, on any machine."""
    for name in trainer:
        if name in OURS or name in LIMITS:
            raise ValueError(f"trainer must leave {name!r} to the benchmark; budget has steps and minutes")
    if (nodes := trainer.get("num_nodes", 1)) != 1:
        rule = "trainer.num_nodes must be 1, for a run is started on one machine"
        raise ValueError(f"{rule}, got {nodes!r}; leave it out")
    if _within(strategy := str(trainer.get("strategy"))):
        rule = "trainer.strategy must start programs of their own, for the record of a run is made by the first of them"
        raise ValueError(f"{rule}, got {strategy!r}; use 'ddp'")
    _demand_known(trainer, "strategy", [one for one in StrategyRegistry.available_strategies() if not _within(one)])
    _demand_known(trainer, "accelerator", [*AcceleratorRegistry.available_accelerators(), "gpu"])


def _within(strategy: str) -> bool:
    return any(word in strategy for word in WITHIN)


def _demand_known(trainer: dict[str, Any], name: str, known: Iterable[str]) -> None:
    if isinstance(trainer.get(name), str):  # else it is a class with its arguments
        checks.choice(f"trainer.{name}", trainer[name], ["auto", *sorted(known)])

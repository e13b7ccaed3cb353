"""What the command line leaves unsaid: Lightning's adverts and warnings that do not concern its users."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

# Each of these is about something seqskip does on purpose.
EXPECTED = (
    r".*does not have many workers.*",  # samples are made, not read
    r".*`IterableDataset` has `__len__` defined.*",  # its workers share out the batches
    r".*isinstance\(treespec, LeafSpec\).*",  # inside Lightning
    r"Experiment logs directory.*",  # the run's folder holds its config already
    r"Checkpoint directory.*exists and is not empty.*",  # a resumed run
    r"LightningCLI's args parameter.*",  # the words have been read and rewritten
    r"Be aware that when using `ckpt_path`.*",  # measuring a run needs none of its training's callbacks
    r"`ModelCheckpoint\(monitor=.*could not find the monitored key.*",  # a training shorter than one epoch
    r"The number of training batches .* is smaller than the logging interval.*",
    r"(?s)\s*(By default only one JsonargparseDeprecationWarning|``instantiate_classes``).*",  # inside Lightning
    r".*Consider setting `persistent_workers=True`.*",
)


@contextmanager
def quiet() -> Iterator[None]:
    """Hide the expected warnings and Lightning's remarks, here and nowhere else."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        for message in EXPECTED:
            warnings.filterwarnings("ignore", message)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def terminal() -> bool:
    """Return whether somebody watches: a progress bar in a log would be noise."""
    return sys.stdout.isatty()

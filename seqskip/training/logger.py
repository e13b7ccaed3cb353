"""metrics.csv of a run, which a resumed training carries on."""

import csv

from pytorch_lightning.loggers import CSVLogger
from torch import Tensor

from seqskip.training.run import Run


def run_logger(run: Run, *, resumed: bool) -> CSVLogger:
    """Return a logger that writes runs/<name>/metrics.csv at every logged step.

    Lightning's logger deletes the file of a folder it is given; for a resumed run the rows are read before and
    logged again, so that nothing is lost.
    """
    rows = _read(run) if resumed else []
    logger = CSVLogger(run.path.parent, name=run.path.name, version="", flush_logs_every_n_steps=1)
    for row in rows:
        logger.log_metrics(row, int(row.pop("step")))
    return logger


def _read(run: Run) -> list[dict[str, Tensor | float]]:
    if not run.metrics.is_file():
        return []
    with run.metrics.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    numbers: list[dict[str, Tensor | float]] = [
        {name: float(value) for name, value in row.items() if value} for row in rows
    ]
    # What a crashed run logged after its last checkpoint is computed, and logged, again.
    reached = run.steps_at_last_checkpoint()
    return [row for row in numbers if row["step"] < reached or any(name.startswith("test/") for name in row)]

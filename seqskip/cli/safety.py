"""A config from a stranger may choose settings and known classes. It may not run code."""

from jsonargparse import set_parsing_settings

# Only what the options of a training are made of. torch and pytorch_lightning as a whole would let in functions
# that load and run files, such as torch.hub.load and LightningModule.load_from_checkpoint.
ALLOWED = [
    "seqskip",
    "torch.nn",
    "torch.optim",
    "torchmetrics",
    "pytorch_lightning.accelerators",
    "pytorch_lightning.callbacks",
    "pytorch_lightning.cli.ReduceLROnPlateau",
    "pytorch_lightning.loggers",
    "pytorch_lightning.plugins",
    "pytorch_lightning.profilers",
    "pytorch_lightning.strategies",
]


def restrict_imports() -> None:
    """Let configs import the allowed classes and nothing else."""
    set_parsing_settings(import_path_denylist=["*", "seqskip.cli"], import_path_allowlist=ALLOWED)

"""A config from a stranger may choose settings and known classes. It may not run code."""

from types import ModuleType

from jsonargparse import set_parsing_settings

from seqskip import init, layers, tasks


def _classes(package: ModuleType) -> list[type]:
    return [item for item in vars(package).values() if isinstance(item, type)]


# Only what the options of a training are made of. torch and pytorch_lightning as a whole would let in functions
# that load and run files, such as torch.hub.load and LightningModule.load_from_checkpoint.
ALLOWED = [
    *(f"seqskip.{item.__name__}" for item in _classes(layers)),
    *(f"{place}.{item.__name__}" for item in _classes(init) for place in (init.__name__, item.__module__)),
    "seqskip.layers",
    "seqskip.tasks",
    "seqskip.training.GradientDecay",
    "seqskip.training.callback.GradientDecay",
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
# Their checkpoints say which files are removed when better ones come; a run keeps its own best and last.
DENIED = [
    "*",
    "pytorch_lightning.callbacks.ModelCheckpoint",
    "pytorch_lightning.callbacks.OnExceptionCheckpoint",
    "pytorch_lightning.callbacks.model_checkpoint",
    "pytorch_lightning.callbacks.on_exception_checkpoint",
]


def restrict_imports() -> None:
    """Let configs import the allowed classes and nothing else."""
    own = [f"{task.__module__}.{name}" for name, task in tasks.registered().items()]  # from files given by --load
    set_parsing_settings(import_path_denylist=DENIED, import_path_allowlist=[*ALLOWED, *own])

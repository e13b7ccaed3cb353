"""fit, validate, test and predict: LightningCLI with short names, a folder per run and a closing table."""

import os
from argparse import ArgumentError
from pathlib import Path
from typing import Any

import torch
from jsonargparse import Namespace
from lightning_fabric.utilities.exceptions import MisconfigurationException
from pytorch_lightning import Callback, Trainer
from pytorch_lightning.callbacks import ProgressBar, Timer, TQDMProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.utilities.exceptions import SIGTERMException

from seqskip import checks
from seqskip.cli import arguments, loaded, outcome
from seqskip.cli.ends import INTERRUPTED, TERMINATED
from seqskip.settings.errors import explain
from seqskip.settings.quiet import quiet, terminal
from seqskip.settings.safety import restrict_imports
from seqskip.training import GradientDecay, Run, SequenceModule, TaskData, build_module
from seqskip.training.checkpoint import RunCheckpoint
from seqskip.training.logger import run_logger
from seqskip.training.progress import Interruption, PlainProgress
from seqskip.training.run import RUNS

DEFAULTS = {"enable_model_summary": False, "num_sanity_val_steps": 0, "log_every_n_steps": 10}
INHERITED_RUN = "SEQSKIP_RUN"  # tells the processes that Lightning starts for a strategy which folder is the run's


def run(words: list[str]) -> int:
    """Run fit, validate, test or predict with the given words of the command line."""
    restrict_imports()
    request = arguments.read(words)
    try:
        with quiet():
            SeqskipCLI(request, arguments.config_names(request.words))
    except (MisconfigurationException, ModuleNotFoundError, OSError) as error:
        raise ValueError(str(error)) from None
    except SIGTERMException:
        return TERMINATED
    except SystemExit as stop:
        if stop.code == 1:  # how Lightning ends the process after a Ctrl-C
            return INTERRUPTED
        raise
    return 0


class SeqskipCLI(LightningCLI):
    """LightningCLI for `build_module` and `TaskData`; every training has a folder of its own.

    Args:
        request: the command line, with the run that it names.
        names: the stems of its config files; the last is a new run's name.
    """

    trainer: Trainer
    model: SequenceModule
    datamodule: TaskData

    def __init__(self, request: arguments.Request, names: list[str]):
        self.resumed, self.names = request.run, names
        self.run_folder = request.run
        words = {name: {"exit_on_error": False, "usage": _usage(name)} for name in self.subcommands()}
        super().__init__(
            build_module,
            TaskData,
            save_config_callback=None,
            trainer_defaults=DEFAULTS,
            seed_everything_default=0,
            parser_kwargs={"exit_on_error": False, **words},
            args=request.words,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,  # its way writes class paths into checkpoints and runs them
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--name", type=str | None, default=None, help="Name of a new run; default: the config's.")
        parser.add_argument(
            "--run", type=str | None, default=None, help="Folder of a run to go on with, or to measure."
        )
        parser.add_argument(
            "--threads",
            type=int | None,
            default=None,
            help="CPU threads of torch; small nets gain little from more than 2.",
        )
        parser.link_arguments("data", "model.task", lambda data: data.task, apply_on="instantiate")
        parser.link_arguments("seed_everything", "data.seed")

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        try:
            super().parse_arguments(parser, args)
        except ArgumentError as error:
            options = {action.dest for command in self._subcommand_parsers.values() for action in command._actions}
            raise ValueError(explain(str(error), sorted(options))) from None

    def _parse_ckpt_path(self) -> None:
        """Load the checkpoint, to check it; Lightning would let its settings win over the command line's."""
        path = self.config[self.config.subcommand].ckpt_path
        self.weights = None if path is None else loaded.weights(path)
        if path is None and self.config.subcommand != "fit":
            raise ValueError("ckpt_path must be given, or --run with the folder of a training")

    def before_instantiate_classes(self) -> None:
        settings = self.config[self.subcommand]
        _demand_one_source_of_delays(settings)
        if settings.threads is not None:
            torch.set_num_threads(checks.integer("threads", settings.threads, 1))
        if self.resumed is not None and self.subcommand == "fit":
            loaded.demand_same_task(self.resumed, self._settings())

    def _settings(self) -> str:
        """Return the settings of this command as the text of a config, without what belongs to one start alone."""
        settings = self.config[self.subcommand].clone(with_meta=False)
        for once in ("name", "run", "ckpt_path", "config"):
            settings.pop(once, None)
        return str(self._parser(self.subcommand).dump(settings, skip_unset=False))

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        if self.weights is not None:
            loaded.demand_fitting(self.weights, self.model)
        if self.datamodule.chunk_steps is not None:
            self.model.model.demand_chunks()
        # Not before the model and the data are made: a refused setting leaves no folder behind.
        self.settings = self._settings()
        if self.subcommand != "fit":
            return self._trainer([], {**kwargs, "logger": False, "enable_checkpointing": False})
        folder = self.run_folder = self.run_folder or _new_run(self.config["fit"], self.names)
        if self._get(self.config_init, "trainer").logger in (None, True):
            kwargs["logger"] = run_logger(folder, resumed=self.resumed is not None)
        return self._trainer(self._training_callbacks(folder), {**kwargs, "default_root_dir": str(folder.path)})

    def _trainer(self, callbacks: list[Callback], settings: dict[str, Any]) -> Trainer:
        own = self._get(self.config_init, "trainer").callbacks or []
        own = own if isinstance(own, list) else [own]
        if not any(isinstance(callback, ProgressBar) for callback in own):
            # Rich's bar would count the epochs of a training by steps up to -2.
            callbacks = [TQDMProgressBar() if terminal() else PlainProgress(), *callbacks]
            settings = settings if terminal() else {**settings, "enable_progress_bar": False}
        # What the user configured, a GradientDecay with other settings say, takes the place of ours.
        kept = [ours for ours in callbacks if not any(isinstance(theirs, type(ours)) for theirs in own)]
        self.callbacks = [*own, *kept]
        return super().instantiate_trainer(**{**settings, "callbacks": list(self.callbacks)})

    def _training_callbacks(self, folder: Run) -> list[Callback]:
        callbacks: list[Callback] = [Timer()]
        if not self.model.model.core.bidirectional:  # with two directions a lag has no one meaning
            callbacks.append(GradientDecay(dirpath=str(folder.path)))
        if self._get(self.config_init, "trainer").enable_checkpointing is not False:
            callbacks.append(RunCheckpoint(folder, self.model.task))
        return [*callbacks, Interruption(folder.last, folder.command("fit"))]

    def _prepare_subcommand_kwargs(self, subcommand: str) -> dict[str, Any]:
        prepared: dict[str, Any] = super()._prepare_subcommand_kwargs(subcommand)
        # Never pickled code; and the tables are printed here, beside the baseline.
        return {**prepared, "weights_only": True, **({"verbose": False} if "verbose" in prepared else {})}

    def before_fit(self) -> None:
        assert self.run_folder is not None
        if self.trainer.is_global_zero and self.resumed is None:
            self.run_folder.config.write_text(self.settings, encoding="utf-8")
        if self.trainer.is_global_zero:
            outcome.announce(self.run_folder, self.model)

    def after_fit(self) -> None:
        assert self.run_folder is not None
        outcome.close(self.run_folder, self.trainer, self.model, self.datamodule, self.callbacks)

    def after_validate(self) -> None:
        outcome.print_metrics(self.trainer, self.model, "val")

    def after_test(self) -> None:
        outcome.print_metrics(self.trainer, self.model, "test")

    def predict(self, **kwargs: Any) -> None:
        """Write the answers, and the samples, to predictions.npz in the run's folder or the current one."""
        if self.trainer.world_size > 1:
            raise ValueError(f"trainer.devices must be 1 to predict, got {self.trainer.world_size} processes")
        answers: Any = self.trainer.predict(**{**kwargs, "return_predictions": True})
        folder = Path() if self.run_folder is None else self.run_folder.path
        outcome.write_predictions(folder / "predictions.npz", self.datamodule, answers)


def _usage(command: str) -> str:
    source = "--config FILE" if command == "fit" else "(--run DIR | --config FILE --ckpt_path FILE)"
    return f"seqskip {command} {source} [options]"


def _new_run(settings: Namespace, names: list[str]) -> Run:
    if os.environ.get("LOCAL_RANK", "0") != "0" and INHERITED_RUN in os.environ:
        return Run(Path(os.environ[INHERITED_RUN]))
    root = Path(settings.trainer.default_root_dir or RUNS)
    name = settings.name
    if name is None:
        run = Run.fresh(names[-1] if names and names[-1] != "config" else "run", root)
    else:
        run = Run.named(name, root)
    os.environ[INHERITED_RUN] = str(run.path)
    return run


def _demand_one_source_of_delays(settings: Namespace) -> None:
    """Refuse a core's delays that the model's would silently replace."""
    core = settings.model.core.get("init_args") or {}
    given = settings.model.delays
    twice = [name for name, plain in (("delays", 1), ("num_layers", 1)) if core.get(name, plain) != plain]
    if given is not None and (twice == ["delays"] or (twice and given == "dilated")):
        raise ValueError(
            f"delays must be given once, got model.delays={given!r} and model.core.{twice[0]}={core[twice[0]]!r}; "
            f"leave one of them, or set --model.delays null"
        )

"""The nets of a run or a checkpoint: as they started, as they are, and without their skips."""

from dataclasses import replace
from pathlib import Path

from seqskip.analysis import without_skips
from seqskip.cli import loaded
from seqskip.cli.gradients.options import Options
from seqskip.cli.gradients.study import Study, Subject, study
from seqskip.cli.gradients.untrained import untrained
from seqskip.settings.files import config_file
from seqskip.settings.settings import Settings
from seqskip.training import Run


def from_run(options: Options) -> Study:
    """Return the study of --run.

    Raises:
        ValueError: no such run, or one without a checkpoint.
    """
    run = Run.existing(str(options.run))
    if not run.weights.is_file():
        raise ValueError(
            f"run {str(run.path)!r} must hold {run.weights.name} to be measured, and {run.curves.name} to be drawn "
            f"again, and it has no checkpoint yet; go on with: {run.command('fit')}"
        )
    drawn = run if run.curves.is_file() else None
    return _trained(options, run.path.name, str(run.config), run.weights, run.path / "gradients", drawn)


def from_checkpoint(options: Options) -> Study:
    """Return the study of --checkpoint, whose config is that of its run or --config.

    Raises:
        ValueError: no checkpoint of seqskip's, weights of another net, or no config.
    """
    weights = Path(str(options.checkpoint))
    loaded.checkpoint(weights, "--checkpoint")  # before a config is looked for that no other file has
    run = Run(weights.absolute().parent.parent)
    if options.config is None and not run.config.is_file():
        raise ValueError(
            f"--config must be given beside --checkpoint {weights}: a checkpoint says no more than its weights, and "
            "only one in a run's folder has its config beside it"
        )
    config = str(run.config) if options.config is None else config_file(options.config)
    return _trained(options, weights.stem, config, weights, Path("gradients") / weights.stem)


def _trained(options: Options, name: str, config: str, weights: Path, out: Path, run: Run | None = None) -> Study:
    settings = Settings.read(config, list(options.overrides))
    module, data = settings.build(settings.seed)
    checkpoint = loaded.checkpoint(weights, "--checkpoint")
    loaded.demand_fitting(checkpoint["state_dict"], module, "--checkpoint")
    module.load_state_dict(checkpoint["state_dict"])
    start = untrained(settings, options.seeds, "untrained")
    subjects = [start, Subject(f"step {checkpoint['global_step']:,}", module.model)]
    left_out = ""
    if module.model.core.has_skips:
        try:
            subjects.append(Subject("skips removed", without_skips(module.model)))
        except ValueError as error:
            left_out = f"skips removed: left out, {error}"
    return replace(study(options, "weights", name, data, tuple(subjects), out, run), left_out=left_out)

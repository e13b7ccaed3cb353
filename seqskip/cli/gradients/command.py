"""What was asked for: a proof, or the gradients of some nets."""

from seqskip.analysis import advise
from seqskip.cli.gradients.options import Options, read
from seqskip.cli.gradients.selfcheck import selfcheck


def gradients(words: list[str]) -> int:
    """Run `seqskip gradients` with the given words of the command line and return its exit status."""
    options = read(words[1:])
    if options.selfcheck:
        return selfcheck()
    if options.advise is not None:
        print(advise(options.advise))
        return 0
    # Lightning takes seconds to import, and the proof needs none of it.
    from seqskip.settings.quiet import quiet
    from seqskip.settings.safety import restrict_imports

    restrict_imports()
    with quiet():
        _measure(options)
    return 0


def _measure(options: Options) -> None:
    from seqskip.cli.gradients.files import Folder
    from seqskip.cli.gradients.measure import measure
    from seqskip.cli.gradients.row import Row
    from seqskip.cli.gradients.stored import redraw
    from seqskip.cli.gradients.table import print_table
    from seqskip.cli.gradients.trained import from_checkpoint, from_run
    from seqskip.cli.gradients.untrained import from_config

    source = from_run if options.run else from_checkpoint if options.checkpoint else from_config
    study = source(options)
    folder = Folder(study.out)
    folder.demand_own(study)
    decays = measure(study, options.wrt, options.norm)
    if study.run is not None:
        redraw(study.run)
    layers = [subject.first.core.num_layers for subject in study.subjects]
    nets = zip(study.subjects, layers, decays, strict=True)
    rows = [Row.of(subject.name, depth, decay, study.lag) for subject, depth, decay in nets]
    print_table(study, rows)
    folder.write(study, decays, rows)

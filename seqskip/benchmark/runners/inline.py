"""One run after the other, in this process."""

from collections.abc import Generator, Sequence

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.base import Event, Started
from seqskip.benchmark.runners.processes import carry_out
from seqskip.benchmark.store.folder import Folder


class Inline:
    """The runner that needs nothing but seqskip."""

    workers = 1

    def run(self, plans: Sequence[Plan], folder: Folder) -> Generator[Event, None, None]:
        """Do all runs."""
        for plan in plans:
            yield Started(plan.id)
            yield carry_out(plan, folder)

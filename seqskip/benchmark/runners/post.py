"""Letters between the jobs of a cluster and the driver: files in the folder of the benchmark, written as a whole."""

import os
import platform
import uuid
from collections.abc import Iterable
from pathlib import Path

from seqskip.benchmark.runners.base import Event, Failed, Finished, Started, letter, read_letter
from seqskip.benchmark.store.folder import Folder, replacing

START = ".started-"


class Post:
    """What jobs tell of runs, in slurm/events/ of a benchmark's folder.

    `<run>.started-<times>.json` says who does a run, and `<run>.json` what has become of it. The driver of today leaves
    its token in slurm/driver: jobs that were sent by another, or find none, end.
    """

    def __init__(self, folder: Folder):
        self.folder = folder
        self.path = folder.path / "slurm"
        self.events, self.driver = self.path / "events", self.path / "driver"
        self._seen: set[str] = set()

    def open(self, runs: Iterable[str]) -> str:
        """Begin as the driver, and return its token.

        Of the runs that are to be done all letters go but of those that ended well: an earlier driver did not live to
        read these.
        """
        self.events.mkdir(parents=True, exist_ok=True)
        for run in runs:
            for path in self._starts(run):
                path.unlink()
            if isinstance(self.outcome(run), Failed):
                self._letter(run).unlink()
        token = uuid.uuid4().hex
        with replacing(self.driver) as part:
            part.write_text(token, encoding="utf-8")
        return token

    def close(self) -> None:
        """End as the driver."""
        self.driver.unlink(missing_ok=True)

    def is_driven_by(self, token: str) -> bool:
        """Return whether the driver with this token is the one of today."""
        try:
            return self.driver.read_text(encoding="utf-8") == token
        except FileNotFoundError:
            return False

    def start(self, run: str) -> None:
        """Tell that a run begins here."""
        path = self.events / f"{run}{START}{len(self._starts(run)) + 1}.json"
        self.folder.write(path, {"host": platform.node(), "process": os.getpid()})

    def end(self, event: Finished | Failed) -> None:
        """Tell what has become of a run."""
        self.folder.write(self._letter(event.run), letter(event))

    def outcome(self, run: str) -> Finished | Failed | None:
        """Return what has become of a run, None if nobody has told yet."""
        return read_letter(run, self._letter(run))

    def news(self, runs: Iterable[str]) -> list[Event]:
        """Return what has been told of some runs since the last time, the beginnings first."""
        wanted = set(runs)
        names = {path.name for path in self.events.glob("*.json") if path.name.partition(".")[0] in wanted}
        fresh = sorted(names - self._seen, key=lambda name: (START not in name, name))
        self._seen |= names
        told = ((name.partition(".")[0], START in name) for name in fresh)
        return [event for run, begins in told if (event := Started(run) if begins else self.outcome(run))]

    def forget(self, run: str) -> None:
        """Throw away the letters of a run whose end the driver has written down."""
        for path in (*self._starts(run), self._letter(run)):
            path.unlink(missing_ok=True)

    def _letter(self, run: str) -> Path:
        return self.events / f"{run}.json"

    def _starts(self, run: str) -> list[Path]:
        return list(self.events.glob(f"{run}{START}*.json"))

"""The C++ compiler: its flags, one bounded build, and what it says when that fails."""

import shlex
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from seqskip.engines.native.process import Command, Ended, run_all
from seqskip.engines.native.unavailable import Unavailable

# No -ffast-math: NaN and infinity must pass through the kernels as they do through torch.
FLAGS = ("-O3", "-std=c++17", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math", "-fPIC")

# The first that works is taken: some compilers for ARM and POWER know -mcpu alone, and an old assembler may not know
# the instructions that the compiler picks for a new CPU.
TUNINGS = (("-march=native",), ("-mcpu=native",), ())


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler that has answered."""

    command: tuple[str, ...]  # its path, then arguments from CXX
    version: str  # all that --version prints

    @property
    def name(self) -> str:
        """The command as one would type it."""
        return shlex.join(self.command)

    def build(self, sources: Sequence[Path], target: Path, extra: tuple[str, ...], seconds: float) -> "Built":
        """Compile the sources side by side and link them to `target`; objects are left beside it.

        Raises:
            Unavailable: the compiler does not start or is not done after `seconds`.
        """
        deadline = time.monotonic() + seconds
        objects = [str(target.with_name(f"{source.stem}.o")) for source in sources]
        try:
            for tuning in TUNINGS:
                compiled = self._compile(sources, objects, (*FLAGS, *tuning, *extra), deadline)
                if compiled.complaint is None:
                    return self._link(compiled, objects, target, deadline)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"the C++ compiler {self.name} was not done after {seconds:g} s; "
                "set SEQSKIP_BUILD_TIMEOUT to more seconds or CXX to another compiler"
            ) from error
        except OSError as error:
            raise Unavailable(f"the C++ compiler {self.name} does not start: {error}; set CXX to another") from error
        return compiled

    def _compile(self, sources: Sequence[Path], objects: list[str], flags: tuple[str, ...], deadline: float) -> "Built":
        driver = (*self.command, *flags)
        commands = [(*driver, "-c", str(source), "-o", o) for source, o in zip(sources, objects, strict=True)]
        return Built.of(flags, commands, run_all(commands, deadline))

    def _link(self, compiled: "Built", objects: list[str], target: Path, deadline: float) -> "Built":
        link = [(*self.command, *compiled.flags, "-shared", *objects, "-o", str(target))]
        linked = Built.of(compiled.flags, link, run_all(link, deadline))
        missing = None if target.exists() else "it ended well and left no library"
        return Built(linked.flags, compiled.log + linked.log, linked.complaint or missing)


@dataclass(frozen=True)
class Built:
    """What came of a build."""

    flags: tuple[str, ...]
    log: str  # every command with its output
    complaint: str | None  # the first error in one line; None: it worked

    @classmethod
    def of(cls, flags: tuple[str, ...], commands: Sequence[Command], ended: Sequence[Ended]) -> "Built":
        """Return what came of these runs: all their logs and the complaint of the first that failed."""
        log = "".join(f"{shlex.join(c)}\n{end.output}" for c, end in zip(commands, ended, strict=True))
        return cls(flags, log, next((end.complaint for end in ended if end.code), None))

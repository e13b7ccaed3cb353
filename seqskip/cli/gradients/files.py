"""What is left in the folder of a study, and which files there may be replaced."""

import csv
import json
import math
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from seqskip.analysis import Decay
from seqskip.cli.gradients.row import Row
from seqskip.cli.gradients.study import Study

NUMBERS, CURVES, PICTURE = "gradients.json", "curves.csv", "gradients.png"
UNITS = {
    "exponent": "p of n^p; null: no power law is fitted",
    "half_life": 'steps; "inf": no decay; null: no exponential is fitted, and the law says why',
    "half_life_interval": 'steps, 95 %; "inf": no decay; null: one sequence of one net, or no exponential is fitted',
    "horizon": 'steps; "inf": not reached within a sample',
    "arrives": 'log10; "-inf": no path leads over the lag; null: too little was measured to tell',
    "memory": "steps; null: no gradient arrives at all",
}


@dataclass(frozen=True)
class Folder:
    """A folder in which nothing but an earlier study's own files is replaced."""

    path: Path

    def demand_own(self, study: Study) -> None:
        """Raise ValueError if a file that would be written is there and is none of `seqskip gradients`.

        Checked before anything is measured.
        """
        if self.path.exists() and not self.path.is_dir():
            raise ValueError(f"--out must be a folder, and {self.path} is a file")
        own = self._own()
        strange = [name for name in _names(study) if (self.path / name).exists() and name not in own]
        if strange:
            raise ValueError(
                f"--out must be a new folder or one of an earlier `seqskip gradients`, and {self.path / strange[0]} "
                "is not listed in its gradients.json; choose another folder"
            )

    def write(self, study: Study, decays: Sequence[Decay], rows: Sequence[Row]) -> None:
        """Write numbers, curves and picture, and say so."""
        self.path.mkdir(parents=True, exist_ok=True)
        for name, decay in zip(_names(study), decays, strict=False):
            decay.save(self.path / name)
        _write_curves(self.path / CURVES, rows, decays)
        _draw(self.path / PICTURE, study, decays)
        self._write_numbers(study, decays, rows)
        print(f"picture {self.path / PICTURE}")
        print(f"numbers {self.path / NUMBERS}, {CURVES}, {', '.join(_names(study)[: len(decays)])}")

    def _own(self) -> list[str]:
        try:
            files: list[str] = json.loads((self.path / NUMBERS).read_text(encoding="utf-8"))["files"]
        except (OSError, ValueError, LookupError, TypeError):
            return []
        return files

    def _write_numbers(self, study: Study, decays: Sequence[Decay], rows: Sequence[Row]) -> None:
        numbers: dict[str, Any] = {
            "study": study.title,
            "lag": study.lag,
            "wrt": decays[0].wrt,
            "norm": decays[0].norm,
            "units": UNITS,
            "nets": [asdict(row) for row in rows],
            "files": list(_names(study)),
        }
        text = json.dumps(_in_json(numbers), indent=2, ensure_ascii=False)
        (self.path / NUMBERS).write_text(text + "\n", encoding="utf-8")


def _names(study: Study) -> list[str]:
    """Return the names of all files of a study: of the nets' decays first."""
    plain = [f"{study.kind} {subject.name}".replace("/", "-") for subject in study.subjects]
    stems = [re.sub(r"[^\w-]+", "_", name) for name in plain]
    return [*(f"{stem}.npz" for stem in stems), CURVES, PICTURE, NUMBERS]


def _draw(path: Path, study: Study, decays: Sequence[Decay]) -> None:
    """Draw the decay of every net with its spread and theory beside it, and the lag that they must reach."""
    from seqskip.analysis.plots import plot_decays, save  # only when something is drawn: matplotlib

    names = [f"{study.kind} {one.name}" if study.kind == "delays" else one.name for one in study.subjects]
    named = dict(zip(names, decays, strict=True))
    save(plot_decays(named, lag=study.lag, title=study.title), path)


def _write_curves(path: Path, rows: Sequence[Row], decays: Sequence[Decay]) -> None:
    """Write ln of the norm relative to its start, a line per lag and a column per net."""
    curves = [decay.stack for decay in decays]
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["lag", *(row.name for row in rows)])
        for lag in range(len(curves[0].log_norm)):
            writer.writerow([lag, *(f"{curve.log_norm[lag] - curve.start:.9g}" for curve in curves)])


def _in_json(value: Any) -> Any:
    """Write nan as null and inf, which JSON does not have either, as text."""
    if isinstance(value, dict):
        return {key: _in_json(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(entry) for entry in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    return None if math.isnan(value) else str(value)

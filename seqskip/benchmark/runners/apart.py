"""The program that does one run of several processes: `python -m seqskip.benchmark.runners.apart PLAN OUTCOME FOLDER`.

Lightning starts it again for each further process, with these words and LOCAL_RANK in the environment. Each does the
same run on batches of its own; the first of them tells what it has recorded, whichever failed first tells why.
"""

import json
import os
import sys
import threading
from pathlib import Path

from seqskip.benchmark.grid.plan import Plan
from seqskip.benchmark.runners.attempt import attempt
from seqskip.benchmark.runners.base import Failed, letter
from seqskip.benchmark.store.folder import Folder


def main(words: list[str]) -> int:
    """Do a run; return 0, or 1 if it failed, upon which Lightning ends the other processes."""
    threading.Thread(target=_end_with_the_pipe, daemon=True).start()
    plan_file, outcome, place = map(Path, words)
    plan, folder = Plan(**json.loads(plan_file.read_text(encoding="utf-8"))), Folder(place)
    event = attempt(plan, folder)
    rank = os.environ.get("LOCAL_RANK", "0")
    mine = outcome.with_name(f"outcome-{rank}.json")
    if isinstance(event, Failed) or rank == "0":
        folder.write(mine, letter(event))
        _put(mine, outcome)
    return int(isinstance(event, Failed))


def _put(mine: Path, outcome: Path) -> None:
    """Give a file its name, if none has it: the errors that follow from the first are not of interest."""
    try:
        os.link(mine, outcome)
    except FileExistsError:
        pass
    finally:
        mine.unlink()


def _end_with_the_pipe() -> None:
    """End this process when the one that started it is gone: it holds the other end."""
    while os.read(0, 1):  # not sys.stdin, whose lock would be held when the program ends
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

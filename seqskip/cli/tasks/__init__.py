"""`seqskip tasks`, which is `python -m seqskip.tasks` too."""

from seqskip.cli.tasks.command import tasks as tasks

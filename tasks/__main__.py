"""`python -m seqskip.tasks`: the tasks, and what their samples look like."""

import sys

from seqskip.cli import main

sys.exit(main(["tasks", *sys.argv[1:]]))

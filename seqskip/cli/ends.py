"""How a command ends that did not come to its own end: what a shell reports for it."""

INTERRUPTED, TERMINATED = 130, 143  # by Ctrl-C, by SIGTERM

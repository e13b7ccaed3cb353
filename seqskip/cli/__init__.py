"""The command `seqskip`."""

from seqskip.cli.main import main as main

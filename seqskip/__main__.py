"""`python -m seqskip` is the command `seqskip`."""

import sys

from seqskip.cli import main

if __name__ == "__main__":
    sys.exit(main())

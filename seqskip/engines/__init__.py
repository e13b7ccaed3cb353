"""Fast ways to run a cell over time, each with the signature of `seqskip.scan.scan` and tested against it."""

from seqskip.engines.choose import BACKENDS as BACKENDS
from seqskip.engines.choose import ENGINES as ENGINES
from seqskip.engines.choose import Engine as Engine
from seqskip.engines.choose import choose as choose
from seqskip.engines.choose import engine_name as engine_name
from seqskip.engines.fold import fold as fold

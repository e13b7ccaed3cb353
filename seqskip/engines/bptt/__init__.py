"""Back-propagation through time written out by hand for RNN, LSTM and GRU, with any delays.

`SweepEngine(name)` runs a layer by one of two kinds of sweeps, "torch" (torch operations) or "native" (C++), or with
"auto" by the faster one of those that can run.
"""

from seqskip.engines.bptt.call import WRITTEN_OUT as WRITTEN_OUT
from seqskip.engines.bptt.call import kind_of as kind_of
from seqskip.engines.bptt.engine import SweepEngine as SweepEngine

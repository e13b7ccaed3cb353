"""Fast ways to run a cell over time, each with the signature of `seqskip.scan.scan` and tested against it.

| engine | runs | how |
|---|---|---|
| reference | every cell | the loop of `seqskip.scan`, differentiated by autograd |
| fold | every cell | a stride of time folded into the batch, where all delays are multiples of it |
| torch | RNN, LSTM, GRU, whole delays | both sweeps by hand in torch operations: any device and floating-point type |
| native | the same | the same in C++ for the CPU, float32 and float64 |

Where torch exports a graph, `rolled` takes the place of those that would be unrolled; nothing else runs it.
"""

from seqskip.engines.choose import BACKENDS as BACKENDS
from seqskip.engines.choose import ENGINES as ENGINES
from seqskip.engines.choose import Engine as Engine
from seqskip.engines.choose import backend as backend
from seqskip.engines.choose import choose as choose
from seqskip.engines.choose import engine_name as engine_name
from seqskip.engines.fold import fold as fold

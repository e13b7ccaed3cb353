"""The native engine: C++ kernels for the CPU, compiled at first use and called through ctypes."""

from seqskip.engines.native.build import describe as describe
from seqskip.engines.native.kernels import NativeSweeps as NativeSweeps
from seqskip.engines.native.unavailable import SwitchedOff as SwitchedOff
from seqskip.engines.native.unavailable import Unavailable as Unavailable
from seqskip.engines.native.usable import load as load
from seqskip.engines.native.usable import obstacle as obstacle
from seqskip.engines.native.usable import takes as takes

"""Back-propagation through time that cannot underflow: gradients as mantissas and logarithms of their scale."""

from seqskip.analysis.adjoint.stack import LayerTrace as LayerTrace
from seqskip.analysis.adjoint.stack import StackTrace as StackTrace
from seqskip.analysis.adjoint.stack import trace_stack as trace_stack
from seqskip.analysis.adjoint.trace import Look as Look
from seqskip.analysis.adjoint.trace import LookAt as LookAt
from seqskip.analysis.adjoint.trace import Pulled as Pulled
from seqskip.analysis.adjoint.trace import Trace as Trace

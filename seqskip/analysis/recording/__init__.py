"""One forward pass of any model with its recurrent layers intercepted, and the way back through it in log space."""

from seqskip.analysis.recording.chain import RecordedLayer as RecordedLayer
from seqskip.analysis.recording.recording import Recording as Recording
from seqskip.analysis.recording.recording import record as record

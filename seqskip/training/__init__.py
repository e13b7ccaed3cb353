"""Training with Lightning: the module, the data, the gradient callback and the folder of a run."""

from seqskip.training.build import build_module as build_module
from seqskip.training.callback import GradientDecay as GradientDecay
from seqskip.training.chunks import Chunk as Chunk
from seqskip.training.data import TaskData as TaskData
from seqskip.training.module import SequenceModule as SequenceModule
from seqskip.training.run import Run as Run
from seqskip.training.sequences import SequenceChunks as SequenceChunks

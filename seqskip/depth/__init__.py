"""Skips through depth: what leads round a layer, what scales it, and what normalises it."""

from seqskip.depth.around import Around as Around
from seqskip.depth.joins import JOINS as JOINS
from seqskip.depth.joins import Add as Add
from seqskip.depth.joins import DenseJoin as DenseJoin
from seqskip.depth.joins import HighwayJoin as HighwayJoin
from seqskip.depth.joins import Join as Join
from seqskip.depth.norms import NORMS as NORMS
from seqskip.depth.norms import normalise as normalise
from seqskip.depth.wiring import Wiring as Wiring
from seqskip.depth.wrappers import Dense as Dense
from seqskip.depth.wrappers import Highway as Highway
from seqskip.depth.wrappers import Residual as Residual
from seqskip.depth.wrappers import Wrapper as Wrapper

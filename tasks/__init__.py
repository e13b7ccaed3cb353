"""Tasks that need long memory, one file each: samples, target, loss, metrics, baseline."""

from seqskip.tasks.adding import Adding as Adding
from seqskip.tasks.base import Batch as Batch
from seqskip.tasks.base import Task as Task
from seqskip.tasks.copying import Copying as Copying
from seqskip.tasks.cycle_navigation import CycleNavigation as CycleNavigation
from seqskip.tasks.finite import ClassifiedSet as ClassifiedSet
from seqskip.tasks.finite import Finite as Finite
from seqskip.tasks.kinds import Classification as Classification
from seqskip.tasks.kinds import Labelling as Labelling
from seqskip.tasks.kinds import Regression as Regression
from seqskip.tasks.lag_copy import LagCopy as LagCopy
from seqskip.tasks.lag_copy import TemporalXOR as TemporalXOR
from seqskip.tasks.modular_arithmetic import ModularArithmetic as ModularArithmetic
from seqskip.tasks.multi_query_recall import MultiQueryRecall as MultiQueryRecall
from seqskip.tasks.parity import EvenPairs as EvenPairs
from seqskip.tasks.parity import Parity as Parity
from seqskip.tasks.registry import known as known
from seqskip.tasks.registry import load as load
from seqskip.tasks.registry import named as named
from seqskip.tasks.registry import register as register
from seqskip.tasks.registry import registered as registered
from seqskip.tasks.regular import RegularLanguage as RegularLanguage
from seqskip.tasks.selective_copying import SelectiveCopying as SelectiveCopying

"""Tasks that need long memory, one file each: samples, target, loss, metrics, baseline."""

from seqskip.tasks.adding import Adding as Adding
from seqskip.tasks.base import Batch as Batch
from seqskip.tasks.base import Task as Task
from seqskip.tasks.copying import Copying as Copying
from seqskip.tasks.embedded_reber import EmbeddedReber as EmbeddedReber
from seqskip.tasks.finite import ClassifiedSet as ClassifiedSet
from seqskip.tasks.finite import Finite as Finite
from seqskip.tasks.frequency_discrimination import FrequencyDiscrimination as FrequencyDiscrimination
from seqskip.tasks.kinds import Classification as Classification
from seqskip.tasks.kinds import Labelling as Labelling
from seqskip.tasks.kinds import Regression as Regression
from seqskip.tasks.latch import Latch as Latch
from seqskip.tasks.multiplication import Multiplication as Multiplication
from seqskip.tasks.noise_free_lag import NoiseFreeLag as NoiseFreeLag
from seqskip.tasks.temporal_order import TemporalOrder as TemporalOrder

"""Tasks that need long memory, one file each: samples, target, loss, metrics, baseline."""

from seqskip.tasks.adding import Adding as Adding
from seqskip.tasks.base import Batch as Batch
from seqskip.tasks.base import Task as Task
from seqskip.tasks.copying import Copying as Copying

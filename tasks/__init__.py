"""Tasks that need long memory, one file each: samples, target, loss, metrics, baseline."""

from seqskip.tasks.adding import Adding as Adding
from seqskip.tasks.base import Batch as Batch
from seqskip.tasks.base import Task as Task
from seqskip.tasks.copying import Copying as Copying
from seqskip.tasks.digits import SequentialDigits as SequentialDigits
from seqskip.tasks.finite import ClassifiedSet as ClassifiedSet
from seqskip.tasks.finite import Finite as Finite
from seqskip.tasks.kinds import Classification as Classification
from seqskip.tasks.kinds import Labelling as Labelling
from seqskip.tasks.kinds import Regression as Regression
from seqskip.tasks.mnist import FashionMNIST as FashionMNIST
from seqskip.tasks.mnist import PixelMNIST as PixelMNIST
from seqskip.tasks.mnist1d import MNIST1D as MNIST1D
from seqskip.tasks.sunspots import Sunspots as Sunspots
from seqskip.tasks.text import TextCharacters as TextCharacters
from seqskip.tasks.time_series import ACSF1 as ACSF1
from seqskip.tasks.time_series import JapaneseVowels as JapaneseVowels

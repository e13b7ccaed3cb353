"""How the weights of a recurrent layer start: what RNN, LSTM and GRU take as `init`, by name or as an object."""

from seqskip.init.base import Initialiser as Initialiser
from seqskip.init.gates import Chrono as Chrono
from seqskip.init.gates import ForgetBias as ForgetBias
from seqskip.init.known import initialiser as initialiser
from seqskip.init.matrices import INITIALISERS as INITIALISERS
from seqskip.init.matrices import TF1 as TF1
from seqskip.init.matrices import Identity as Identity
from seqskip.init.matrices import Orthogonal as Orthogonal
from seqskip.init.matrices import Uniform as Uniform

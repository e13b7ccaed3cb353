"""Recurrence maths: one time step per class, one family per file, no loop over time."""

from seqskip.cells.antisymmetric import AntisymmetricCell as AntisymmetricCell
from seqskip.cells.base import Cell as Cell
from seqskip.cells.base import Sizes as Sizes
from seqskip.cells.clockwork import ClockworkCell as ClockworkCell
from seqskip.cells.combine import COMBINE as COMBINE
from seqskip.cells.euler import EulerCell as EulerCell
from seqskip.cells.euler import EulerRNNCell as EulerRNNCell
from seqskip.cells.fast import FastGRNNCell as FastGRNNCell
from seqskip.cells.fast import FastRNNCell as FastRNNCell
from seqskip.cells.gru import GRUCell as GRUCell
from seqskip.cells.leaky import LeakyCell as LeakyCell
from seqskip.cells.lstm import LSTMCell as LSTMCell
from seqskip.cells.mist import MISTCell as MISTCell
from seqskip.cells.module import ModuleCell as ModuleCell
from seqskip.cells.module import OwnHistory as OwnHistory
from seqskip.cells.narx import NARXCell as NARXCell
from seqskip.cells.rhn import RHNCell as RHNCell
from seqskip.cells.rnn import NONLINEARITIES as NONLINEARITIES
from seqskip.cells.rnn import RNNCell as RNNCell
from seqskip.cells.skip import SkipGRUCell as SkipGRUCell
from seqskip.cells.skip import SkipLSTMCell as SkipLSTMCell
from seqskip.cells.tau_gru import TauGRUCell as TauGRUCell
from seqskip.cells.torch_shaped import TorchCell as TorchCell

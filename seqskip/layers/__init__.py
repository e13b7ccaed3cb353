"""The layers: each a stack of one cell, with the arguments, inputs and outputs of torch.nn's."""

from seqskip.layers.clockwork import Clockwork as Clockwork
from seqskip.layers.euler import AntisymmetricRNN as AntisymmetricRNN
from seqskip.layers.euler import EulerRNN as EulerRNN
from seqskip.layers.fast import FastGRNN as FastGRNN
from seqskip.layers.fast import FastRNN as FastRNN
from seqskip.layers.gru import GRU as GRU
from seqskip.layers.leaky import Leaky as Leaky
from seqskip.layers.learned import LearnedDelays as LearnedDelays
from seqskip.layers.lstm import LSTM as LSTM
from seqskip.layers.mist import MIST as MIST
from seqskip.layers.narx import NARX as NARX
from seqskip.layers.own import Stack as Stack
from seqskip.layers.rhn import RHN as RHN
from seqskip.layers.rnn import RNN as RNN
from seqskip.layers.skip import SkipGRU as SkipGRU
from seqskip.layers.skip import SkipLSTM as SkipLSTM
from seqskip.layers.tau_gru import TauGRU as TauGRU
from seqskip.layers.torch_shaped import TorchLayer as TorchLayer

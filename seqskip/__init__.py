"""Recurrent nets with skip connections through time and through depth.

Needs torch and numpy alone; training (`seqskip.training`) and the command line bring Lightning.
"""

import importlib
from importlib.metadata import version
from types import ModuleType

from seqskip import init as init
from seqskip import states as states
from seqskip.conversion import convert as convert
from seqskip.conversion import to_torch as to_torch
from seqskip.delays import dilated as dilated
from seqskip.delays import exponential as exponential
from seqskip.depth import Dense as Dense
from seqskip.depth import Highway as Highway
from seqskip.depth import Residual as Residual
from seqskip.dilated_rnn import DilatedRNN as DilatedRNN
from seqskip.engines import backend as backend
from seqskip.layers import GRU as GRU
from seqskip.layers import LSTM as LSTM
from seqskip.layers import MIST as MIST
from seqskip.layers import NARX as NARX
from seqskip.layers import RHN as RHN
from seqskip.layers import RNN as RNN
from seqskip.layers import AntisymmetricRNN as AntisymmetricRNN
from seqskip.layers import Clockwork as Clockwork
from seqskip.layers import EulerRNN as EulerRNN
from seqskip.layers import FastGRNN as FastGRNN
from seqskip.layers import FastRNN as FastRNN
from seqskip.layers import Leaky as Leaky
from seqskip.layers import SkipGRU as SkipGRU
from seqskip.layers import SkipLSTM as SkipLSTM
from seqskip.layers import Stack as Stack
from seqskip.layers import TauGRU as TauGRU
from seqskip.model import SequenceModel as SequenceModel
from seqskip.ode import ODEBlock as ODEBlock
from seqskip.resnet import ResNet as ResNet

__version__ = version("seqskip")

_ON_DEMAND = ("analysis", "benchmark", "export", "tasks", "training")  # packages that cost time to import


def __getattr__(name: str) -> ModuleType:
    """Import a package at its first use: `seqskip.analysis` needs no import of its own."""
    if name in _ON_DEMAND:
        return importlib.import_module(f"seqskip.{name}")
    raise AttributeError(f"module 'seqskip' has no attribute {name!r}")

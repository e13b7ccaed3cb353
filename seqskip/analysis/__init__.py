"""Measurements on any layer or model, in torch and numpy. Pictures are apart, in `seqskip.analysis.plots`."""

from seqskip.analysis.ablation import without_skips as without_skips
from seqskip.analysis.curve import Curve as Curve
from seqskip.analysis.decay import Decay as Decay
from seqskip.analysis.finite_time import FiniteTime as FiniteTime
from seqskip.analysis.finite_time import finite_time_exponents as finite_time_exponents
from seqskip.analysis.gradients import gradient_decay as gradient_decay
from seqskip.analysis.lyapunov import lyapunov as lyapunov
from seqskip.analysis.own_states import state_gradients as state_gradients
from seqskip.analysis.paths import Paths as Paths
from seqskip.analysis.paths import paths as paths
from seqskip.analysis.spectrum import Lyapunov as Lyapunov

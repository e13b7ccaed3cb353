"""Measurements on any layer or model, in torch and numpy. Pictures are apart, in `seqskip.analysis.plots`."""

from seqskip.analysis.ablation import without_skips as without_skips
from seqskip.analysis.bounds import stack_path_bound as stack_path_bound
from seqskip.analysis.curve import Curve as Curve
from seqskip.analysis.decay import AXES as AXES
from seqskip.analysis.decay import Decay as Decay
from seqskip.analysis.finite_time import FiniteTime as FiniteTime
from seqskip.analysis.finite_time import finite_time_exponents as finite_time_exponents
from seqskip.analysis.fit import Fit as Fit
from seqskip.analysis.gradients import gradient_decay as gradient_decay
from seqskip.analysis.lyapunov import lyapunov as lyapunov
from seqskip.analysis.own_states import state_gradients as state_gradients
from seqskip.analysis.paths import Paths as Paths
from seqskip.analysis.paths import hop_weights as hop_weights
from seqskip.analysis.paths import paths as paths
from seqskip.analysis.shattering import Shattering as Shattering
from seqskip.analysis.shattering import autocorrelation as autocorrelation
from seqskip.analysis.shattering import shattering as shattering
from seqskip.analysis.shattering_theory import feedforward_correlation as feedforward_correlation
from seqskip.analysis.shattering_theory import normalised_residual_correlation as normalised_residual_correlation
from seqskip.analysis.shattering_theory import relu_correlation as relu_correlation
from seqskip.analysis.shattering_theory import residual_correlation as residual_correlation
from seqskip.analysis.spectrum import Lyapunov as Lyapunov
from seqskip.analysis.zeros import Zero as Zero

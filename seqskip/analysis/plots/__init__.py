"""Pictures of what `seqskip.analysis` measures. Nothing is measured here.

Each function draws on the axes that it is given, or on a new figure, and returns them; `save(axes, path)` writes the
picture. No state of pyplot is used.
"""

from seqskip.analysis.plots.autocorrelation import plot_shattering as plot_shattering
from seqskip.analysis.plots.curves import mark_lag as mark_lag
from seqskip.analysis.plots.curves import plot_curve as plot_curve
from seqskip.analysis.plots.curves import plot_decays as plot_decays
from seqskip.analysis.plots.depth import plot_depth as plot_depth
from seqskip.analysis.plots.half_life import HalfLives as HalfLives
from seqskip.analysis.plots.half_life import plot_half_lives as plot_half_lives
from seqskip.analysis.plots.heatmaps import plot_local_ratio as plot_local_ratio
from seqskip.analysis.plots.heatmaps import plot_training as plot_training
from seqskip.analysis.plots.spectrum import plot_spectrum as plot_spectrum
from seqskip.analysis.plots.style import BLUE as BLUE
from seqskip.analysis.plots.style import GREY as GREY
from seqskip.analysis.plots.style import ORANGE as ORANGE
from seqskip.analysis.plots.style import save as save
from seqskip.analysis.plots.tokens import plot_tokens as plot_tokens

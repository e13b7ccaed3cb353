"""The path bound ‖G(n)‖₂ <= g_n, g_n = Σ_d ‖U_d‖₂ g_{n-d}, where it is attained."""

import torch

from seqskip.analysis.bounds import stack_path_bound
from seqskip.analysis.selfcheck.check import Array, Check, Group
from seqskip.analysis.selfcheck.matrices import rotation
from seqskip.analysis.selfcheck.nets import log_norms, recurrence, scalar
from seqskip.layers import RNN

LAGS = 200


def attained() -> Group:
    """Return the checks of nets that reach the bound."""

    def check(name: str, net: RNN) -> Check:
        bound: Array = stack_path_bound(net, LAGS, from_output=False)[0]
        source = "triangle inequality over all paths"
        return Check(name, source, lambda: log_norms(net, LAGS, norm="spectral"), bound, 1e-11, relative=False)

    turn = rotation(6)
    # Over n steps every path turns by Qⁿ, however it hops: none cancels another.
    alike = {d: weight * torch.linalg.matrix_power(turn, d) for d, weight in ((1, 0.3), (4, 0.5), (9, 0.15))}
    return Group(
        "The bound",
        "No gradient of an RNN is larger than the sum of its paths' norms; where all paths turn alike it is as large.",
        (
            check(f"ln‖G(0 ... {LAGS})‖: a = 0.5, b = 0.4, d = 4", scalar({1: 0.5, 4: 0.4})),
            check(f"ln‖G(0 ... {LAGS})‖: 0.3 Q, 0.5 Q⁴, 0.15 Q⁹", recurrence(alike)),
        ),
    )

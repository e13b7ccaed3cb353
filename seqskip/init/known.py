"""From what a layer is given as `init` to an initialiser."""

from seqskip import checks
from seqskip.init.base import Initialiser
from seqskip.init.matrices import INITIALISERS


def initialiser(init: object) -> Initialiser:
    """Return what a layer was given as `init`, looked up if it is a name.

    Raises:
        ValueError: it is neither a known name nor an `Initialiser`; the message lists what there is.
    """
    if isinstance(init, Initialiser):
        return init
    if isinstance(init, str) and init in INITIALISERS:
        return INITIALISERS[init]
    raise ValueError(
        f"init must be one of {', '.join(INITIALISERS)}, or an object of seqskip.init such as Chrono(longest=1000) or "
        f"ForgetBias(1.0), got {init!r}{checks.nearest(init, INITIALISERS)}"
    )

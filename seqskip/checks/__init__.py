"""What a size, a choice and a tensor must be: one sentence of error for each, with the repair."""

from seqskip.checks.arguments import at_least as at_least
from seqskip.checks.arguments import boolean as boolean
from seqskip.checks.arguments import causal as causal
from seqskip.checks.arguments import choice as choice
from seqskip.checks.arguments import finite as finite
from seqskip.checks.arguments import floating as floating
from seqskip.checks.arguments import fraction as fraction
from seqskip.checks.arguments import integer as integer
from seqskip.checks.arguments import integer_per_layer as integer_per_layer
from seqskip.checks.arguments import is_integer as is_integer
from seqskip.checks.arguments import nearest as nearest
from seqskip.checks.arguments import not_negative as not_negative
from seqskip.checks.arguments import positive as positive
from seqskip.checks.packages import MissingPackage as MissingPackage
from seqskip.checks.packages import module as module
from seqskip.checks.tensors import features as features
from seqskip.checks.tensors import lengths as lengths
from seqskip.checks.tensors import no_lengths as no_lengths
from seqskip.checks.tensors import packed as packed
from seqskip.checks.tensors import places as places
from seqskip.checks.tensors import sequence as sequence
from seqskip.checks.tensors import state as state
from seqskip.errors import InputError as InputError

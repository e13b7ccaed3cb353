"""The closed forms that a gradient must obey, held against the tool: each line measured beside exact."""

from seqskip.analysis.selfcheck.check import Check as Check
from seqskip.analysis.selfcheck.check import Group as Group
from seqskip.analysis.selfcheck.check import Result as Result
from seqskip.analysis.selfcheck.groups import GROUPS as GROUPS

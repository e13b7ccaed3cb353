"""The report of a benchmark: one HTML page and a Markdown table, made of the files of its folder alone."""

from seqskip.benchmark.report.collect import Collected as Collected
from seqskip.benchmark.report.collect import collect as collect
from seqskip.benchmark.report.markdown import markdown as markdown
from seqskip.benchmark.report.page import write_page as write_page

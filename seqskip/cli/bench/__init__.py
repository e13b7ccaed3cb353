"""`seqskip bench`: suites of models and tasks, run, watched and reported."""

from seqskip.cli.bench.command import bench as bench

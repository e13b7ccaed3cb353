"""Measurements of seqskip beside other libraries; `python -m seqskip.benchmark.speed` is how fast its layers are."""

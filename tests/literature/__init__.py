"""The cells of the literature, each written out in numpy from its paper: no torch, no engine, one sample at a time."""

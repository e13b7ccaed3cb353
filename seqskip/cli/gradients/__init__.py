"""`seqskip gradients`: how far back a net learns, measured, drawn and put in words."""

from seqskip.cli.gradients.command import gradients as gradients

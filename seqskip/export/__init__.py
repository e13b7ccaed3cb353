"""Layers and models as files that run without seqskip."""

from seqskip.export.onnx_file import to_onnx as to_onnx

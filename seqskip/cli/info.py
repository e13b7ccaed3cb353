"""`seqskip info`: versions, engines and threads."""

import os
import platform
import sys
from importlib.metadata import version

import torch

import seqskip
from seqskip.cli.engines import table
from seqskip.engines import ENGINES
from seqskip.engines.native import describe


def info(words: list[str]) -> int:
    """Print what runs where."""
    if words[1:]:
        print(
            "usage: seqskip info"
            if words[1] in ("-h", "--help")
            else f"seqskip info takes no options, got {words[1]!r}"
        )
        return 0 if words[1] in ("-h", "--help") else 2
    names = ("torch", "numpy", "pytorch-lightning", "torchmetrics", "jsonargparse", "matplotlib")
    print(f"seqskip {seqskip.__version__}, Python {sys.version.split()[0]}, {platform.platform()}")
    print("versions  " + ", ".join(f"{name} {version(name)}" for name in names))
    print(f"threads   {torch.get_num_threads()} of {os.cpu_count()} cores (torch.set_num_threads, OMP_NUM_THREADS)")
    cuda = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    print(f"CUDA      {cuda}")
    print(f"engines   {', '.join(ENGINES)}; SEQSKIP_BACKEND={os.environ.get('SEQSKIP_BACKEND', 'not set')}")
    print("layers    what runs them, and why")
    for layer, engine, reason in table():
        print(f"  {layer:<35} {engine:<9} {reason}")
    print("kernels   C++ of the native engine")
    for name, text in describe().items():
        print(f"  {name:<9} {text}")
    return 0

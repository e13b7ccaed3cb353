"""All recurrences of the native engine on small problems of awkward sizes, each against the reference.

Not collected by pytest: `test_instruction_sets.py` runs it on libraries built for other machines, and so may you, with
another compiler or under a tool that watches memory. With AddressSanitizer and UBSan of gcc, from the root:

    SEQSKIP_CACHE=$(mktemp -d) SEQSKIP_CXXFLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" \\
        LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \\
        ASAN_OPTIONS=detect_leaks=0 python -m tests.engines.sanitize
"""

import itertools
from unittest import mock

import torch

from seqskip.cells import COMBINE
from seqskip.engines.bptt import rows
from seqskip.engines.native import kernels
from tests.engines.twins import assert_same, train
from tests.found import VARIANTS, Variant

DELAYS = [(1,), (3,), (1, 4), (2, 4), (7, 12)]
SHAPES = [(1, 1, 1, 1), (5, 3, 2, 7), (6, 2, 9, 16), (4, 13, 3, 17), (9, 25, 5, 33), (2, 1, 1, 70)]  # T, B, I, H
TOLERANCES = {torch.float32: 2e-5, torch.float64: 1e-11}


def one(variant: Variant, delays: tuple[int, ...], combine: str, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    """Compare values and gradients with and without lengths, on one segment and on many."""
    steps, batch, inputs, hidden = shape
    layer = variant.build(inputs, hidden, delays=delays, combine=combine, dtype=dtype, bias=hidden != 7)
    x = torch.randn(steps, batch, inputs, dtype=dtype)
    for lengths, segment in itertools.product((None, [n % (steps + 1) for n in range(batch)]), (1, rows.SEGMENT_BYTES)):
        results = []
        for layer.backend in ("native", "reference"):
            with mock.patch.object(rows, "SEGMENT_BYTES", segment):
                results.append(train(layer, x, [*layer.parameters()], lengths=lengths))
        tolerance = TOLERANCES[dtype] * max(1.0, *(part.abs().max().item() for part in results[1]))
        assert_same(*results, rtol=TOLERANCES[dtype], atol=tolerance)
        layer.backend = "native"
        with torch.no_grad():  # keeps no tape
            assert torch.equal(layer(x, lengths=lengths)[0], results[0][0])


def main() -> None:
    torch.manual_seed(0)
    cases = list(itertools.product(VARIANTS, DELAYS, sorted(COMBINE), SHAPES, TOLERANCES))
    for threads in (1, 3):
        torch.set_num_threads(threads)
        with mock.patch.multiple(kernels, WORK_OF_A_THREAD=1, WEIGHTS_TO_DIVIDE=1):
            for case in cases:
                one(*case)
    print(f"{2 * len(cases)} cases")


if __name__ == "__main__":
    main()

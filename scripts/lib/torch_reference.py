#!/usr/bin/env python3
"""How long numpy and PyTorch take for per-channel statistics of float32 [256, 64, 28, 28] batches that lie in memory.

scripts/bench starts it and talks to it, so that these take turns with the other contestants: it says "ready" and its
versions, then answers every line "NAME THREADS" with the seconds of one pass over all batches.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

import numpy as np
import torch

SHAPE = (256, 64, 28, 28)
ALL_BUT_CHANNELS = (0, 2, 3)
SEED = 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batches", type=int, default=16, help="batches of 51 MB in memory")
    options = parser.parse_args()

    first = np.random.default_rng(SEED).standard_normal(SHAPE, dtype=np.float32)
    batches = [first] + [first.copy() for _ in range(options.batches - 1)]
    tensors = [torch.from_numpy(batch) for batch in batches]
    # As torch.optim.swa_utils.update_bn has it: no gradients, a cumulative average.
    norm = torch.nn.BatchNorm2d(SHAPE[1], momentum=None).train()

    def numpy_mean_and_var() -> None:
        for batch in batches:
            batch.mean(ALL_BUT_CHANNELS)
            batch.var(ALL_BUT_CHANNELS)

    def var_mean() -> None:
        for tensor in tensors:
            torch.var_mean(tensor, ALL_BUT_CHANNELS)

    def train_forward() -> None:
        for tensor in tensors:
            norm(tensor)

    passes: dict[str, Callable[[], None]] = {
        "numpy": numpy_mean_and_var,
        "var_mean": var_mean,
        "train_forward": train_forward,
    }
    print(f"ready numpy {np.__version__}, PyTorch {torch.__version__}", flush=True)
    with torch.no_grad():
        for line in sys.stdin:
            name, threads = line.split()
            torch.set_num_threads(int(threads))
            start = time.perf_counter()
            passes[name]()
            print(time.perf_counter() - start, flush=True)


if __name__ == "__main__":
    main()

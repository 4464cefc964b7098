#!/usr/bin/env python3
"""How long numpy and PyTorch take for per-channel statistics of float32 [256, 64, 28, 28] batches that lie in memory.

scripts/bench starts it and talks to it, so that these take turns with the other contestants; a pass is over all
batches.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
from turns import take_turns

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
    take_turns(f"numpy {np.__version__}, PyTorch {torch.__version__}", passes)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""How long PyTorch's BatchNorm takes for a float32 [64, 64, 56, 56] array that lies in memory.

scripts/bench starts it and talks to it, so that it takes turns with the other contestants.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from turns import take_turns

SHAPE = (64, 64, 56, 56)
CHANNELS = SHAPE[1]
MOMENTUM = 0.1
EPSILON = 1e-5


def passes_over(layout: str, array: torch.Tensor) -> dict[str, Callable[[], object]]:
    """The operator into an output that is there, and the module, in both modes."""
    mean, variance = torch.randn(CHANNELS), torch.rand(CHANNELS)
    weight, bias = torch.rand(CHANNELS), torch.randn(CHANNELS)
    output = torch.empty_like(array)
    saved = {True: (torch.empty(CHANNELS), torch.empty(CHANNELS)), False: (torch.empty(0), torch.empty(0))}
    module = torch.nn.BatchNorm2d(CHANNELS)

    def preallocated(training: bool) -> object:
        return torch.native_batch_norm(
            array, weight, bias, mean, variance, training, MOMENTUM, EPSILON, out=(output, *saved[training])
        )

    def usual(training: bool) -> object:
        return module.train(training)(array)

    return {
        f"{mode}-{form}-{layout}": lambda forward=forward, training=training: forward(training)
        for form, forward in (("preallocated", preallocated), ("module", usual))
        for mode, training in (("eval", False), ("train", True))
    }


def main() -> None:
    first = torch.randn(SHAPE)
    passes = {
        **passes_over("NCHW", first),
        **passes_over("NHWC", first.to(memory_format=torch.channels_last)),
    }
    take_turns(f"PyTorch {torch.__version__}", passes)


if __name__ == "__main__":
    main()

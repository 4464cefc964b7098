"""The model of the parameter count in PyTorch: what PyTorch counts, and what inspect does."""

from __future__ import annotations

from pathlib import Path

import torch
from interop_parameters import CHANNELS, CLASSES, EXPECTED, HIDDEN, SIDE, check_counts
from interop_support import Checks, Launcher
from safetensors.torch import save_file
from torch import nn


def check_parameters(checks: Checks, launcher: Launcher, folder: Path) -> None:
    model = nn.Sequential(
        nn.Conv2d(1, CHANNELS, 3, padding=1),
        nn.BatchNorm2d(CHANNELS),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(SIDE * SIDE * CHANNELS, HIDDEN),
        nn.ReLU(),
        nn.Linear(HIDDEN, CLASSES),
    )
    parameters = sum(parameter.numel() for parameter in model.parameters())
    buffers = sum(buffer.numel() for buffer in model.buffers())
    checks.equal("PyTorch counts", (parameters, buffers), (EXPECTED.parameters, EXPECTED.buffers))
    for suffix, write in (("pt", torch.save), ("safetensors", save_file)):
        file = folder / f"model.{suffix}"
        write(model.state_dict(), file)
        check_counts(checks, launcher, f"PyTorch's .{suffix}", file)

"""PyTorch's fresh layer on ones: it trains until it is told otherwise, so its first output is 0."""

from __future__ import annotations

from pathlib import Path

import torch
from interop_questions import CHANNELS, POSITIONS, ROWS, FreshLayer, check_fresh_layer
from interop_support import Checks, Launcher
from torch import nn

EXPECTED = FreshLayer(0.9999950000374997, 0.0, 0.1, 0.9, 0.948678027631667)


@torch.no_grad()
def check_questions(checks: Checks, launcher: Launcher, folder: Path) -> None:
    ones = torch.ones(ROWS, CHANNELS, *POSITIONS, dtype=torch.float64)
    layer = nn.BatchNorm2d(CHANNELS).double()
    checks.equal("ones, PyTorch: a fresh layer's first output", layer(ones).unique().tolist(), [EXPECTED.training])
    layer.reset_running_stats()
    (evaluating,) = layer.eval()(ones).unique().tolist()
    (training,) = layer.train()(ones).unique().tolist()
    (again,) = layer.eval()(ones).unique().tolist()
    seen = FreshLayer(evaluating, training, layer.running_mean[0].item(), layer.running_var[0].item(), again)
    check_fresh_layer(checks, launcher, folder, "PyTorch", seen, EXPECTED, ())

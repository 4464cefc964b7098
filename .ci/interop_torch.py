"""What the checks with PyTorch share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn


def tensors_of(file: Path) -> dict[str, Tensor]:
    with safe_open(file, "pt") as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}


def update_bn_float64(mini_batches: Sequence[np.ndarray]) -> nn.Module:
    """A BatchNorm layer after PyTorch's own recalibration over the mini-batches, in float64."""
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[mini_batches[0].ndim]
    layer = kind(mini_batches[0].shape[1]).double()
    with torch.no_grad():
        update_bn([torch.from_numpy(batch).double() for batch in mini_batches], layer)
    return layer

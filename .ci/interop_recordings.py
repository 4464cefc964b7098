"""Recordings of activations as numpy arrays, and what their values say in float64."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from interop_support import ROOT
from safetensors import safe_open

DIGITS = ROOT / "jobs" / "data" / "digits"


def arrays_of(file: Path) -> dict[str, np.ndarray]:
    with safe_open(file, "np") as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}


def metadata_of(file: Path) -> dict[str, str]:
    with safe_open(file, "np") as tensors:
        return tensors.metadata()


def recorded_mini_batches(folder: Path) -> dict[str, list[np.ndarray]]:
    """Layer -> its mini-batches in the order of their numbers, from a recording."""
    named = [item for file in sorted(folder.glob("*.safetensors")) for item in arrays_of(file).items()]
    layers: dict[str, list[tuple[int, np.ndarray]]] = {}
    for name, array in named:
        layer, _, number = name.rpartition("/")
        layers.setdefault(layer, []).append((int(number), array))
    return {layer: [array for _, array in sorted(batches, key=lambda b: b[0])] for layer, batches in layers.items()}


def channel_rows(mini_batches: Sequence[np.ndarray], axis: int = 1) -> np.ndarray:
    """[C, n] in float64, from mini-batches with their channels on this axis."""
    rows = [np.moveaxis(batch, axis, 0).astype(np.float64).reshape(batch.shape[axis], -1) for batch in mini_batches]
    return np.concatenate(rows, axis=1)

"""What the interoperability checks share: counting them, running the program, measuring distances."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn

ROOT = Path(__file__).resolve().parents[1]
DIGITS = ROOT / "jobs" / "data" / "digits"

Report = dict[str, Any]


class Checks:
    """Prints one line for each check and counts them."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def at_most(self, name: str, figure: float, bound: float) -> None:
        """A figure that is NaN fails."""
        self._record(bool(figure <= bound), name, f"{figure:.3g} (at most {bound:.3g})")

    def equal(self, name: str, seen: Any, expected: Any) -> None:
        same = bool(seen == expected)
        self._record(same, name, _shortened(seen) if same else f"{seen!r}, expected {expected!r}")

    def failure(self, name: str, reason: str) -> None:
        self._record(False, name, reason)

    def _record(self, success: bool, name: str, outcome: str) -> None:
        self.passed += success
        self.failed += not success
        print(f"{'ok    ' if success else 'FAILED'} {name}: {outcome}", flush=True)


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


class Launcher:
    """Runs the program, and gives its standard output."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def run(self, *arguments: object) -> str:
        command = [str(self._path), *map(str, arguments)]
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        if done.returncode != 0:
            last_lines = "\n".join(done.stderr.splitlines()[-20:])
            raise RuntimeError(f"exit code {done.returncode} from {' '.join(command)}\n{last_lines}")
        return done.stdout

    def recalibrate(self, *arguments: object) -> Report:
        return json.loads(self.run("recalibrate", *arguments, "--json", "--overwrite"))


def layers_of(report: Report) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in report["layers"]}


def tensors_of(file: Path) -> dict[str, Tensor]:
    with safe_open(file, "pt") as tensors:
        return {name: tensors.get_tensor(name) for name in tensors.keys()}


def recorded_mini_batches(folder: Path) -> dict[str, list[Tensor]]:
    """Layer -> its mini-batches in the order of their numbers, from a recording."""
    named = [item for file in sorted(folder.glob("*.safetensors")) for item in tensors_of(file).items()]
    layers: dict[str, list[tuple[int, Tensor]]] = {}
    for name, tensor in named:
        layer, _, number = name.rpartition("/")
        layers.setdefault(layer, []).append((int(number), tensor))
    return {layer: [tensor for _, tensor in sorted(batches, key=lambda b: b[0])] for layer, batches in layers.items()}


def channel_rows(mini_batches: Sequence[Tensor]) -> np.ndarray:
    """[C, n] in float64, from channels-first mini-batches."""
    rows = [batch.double().movedim(1, 0).flatten(1).numpy() for batch in mini_batches]
    return np.ascontiguousarray(np.concatenate(rows, axis=1))


def update_bn_float64(mini_batches: Sequence[Tensor]) -> nn.Module:
    """A BatchNorm layer after PyTorch's own recalibration over the mini-batches, in float64."""
    kind = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}[mini_batches[0].dim()]
    layer = kind(mini_batches[0].shape[1]).double()
    with torch.no_grad():
        update_bn([batch.double() for batch in mini_batches], layer)
    return layer


def relative_error(seen: Any, expected: Any) -> float:
    """The worst |seen - expected| / |expected|."""
    return error_in_units_of(expected, seen, expected)


def error_in_units_of(unit: Any, seen: Any, expected: Any) -> float:
    """The worst |seen - expected| / |unit|; NaN if any value is NaN, infinite if the lengths differ."""
    seen, expected, unit = (np.asarray(values, dtype=np.float64) for values in (seen, expected, unit))
    if seen.shape != expected.shape:
        return float("inf")
    difference = np.abs(seen - expected)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.max(np.where(difference == 0, 0, difference / np.abs(unit))))


def root_mean_square(mean: Any, variance: Any) -> np.ndarray:
    """Of a channel's values; what an error of its mean is measured by, as a mean may be near zero."""
    return np.sqrt(np.square(np.asarray(mean, dtype=np.float64)) + np.asarray(variance, dtype=np.float64))


def worst_ulp(seen: np.ndarray, expected: np.ndarray) -> float:
    """The largest distance in float32 steps; infinite if dtype or shape differ or a value is not finite."""
    if seen.dtype != np.float32 or seen.shape != expected.shape or not np.isfinite(seen).all():
        return float("inf")
    return float(np.max(np.abs(_step_number(seen) - _step_number(expected))))


def _step_number(values: np.ndarray) -> np.ndarray:
    """Consecutive integers for consecutive float32 values, +0 and -0 the same."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.int32).astype(np.int64)
    return np.where(bits < 0, -(bits & 0x7FFF_FFFF), bits)

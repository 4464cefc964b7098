"""The model of the question why Keras counts more parameters than PyTorch, as inspect counts it. No framework."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from interop_support import Checks, Launcher

SIDE, CHANNELS, HIDDEN, CLASSES = 64, 32, 100, 10


@dataclass(frozen=True)
class Counts:
    """A model's numbers, in both accountings."""

    parameters: int
    buffers: int
    total: int
    trainable: int
    non_trainable: int


# Convolution 320; BatchNorm 64, 64 statistics and, to PyTorch, a count of batches; dense layers 13,107,300 and 1,010.
EXPECTED = Counts(13_108_694, 65, 13_108_758, 13_108_694, 64)


def check_counts(checks: Checks, launcher: Launcher, name: str, file: Path) -> None:
    seen = launcher.inspect(file)["parameters"]
    pytorch, keras = seen["pytorch"], seen["keras"]
    counts = Counts(
        pytorch["parameters"], pytorch["buffers"], keras["total"], keras["trainable"], keras["nonTrainable"]
    )
    checks.equal(f"inspect counts, {name}", counts, EXPECTED)

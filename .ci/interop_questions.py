"""What a fresh layer makes of an array of ones: 0 in one framework, 0.9995 in the other. No framework.

It is two questions in one: whether the layer is training when it is called, and its epsilon.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from interop_moving_average import FLOAT64, Statistics, check_statistics, statistics_of
from interop_support import Checks, Launcher, error_in_units_of, worst_ulp
from safetensors.numpy import save_file

ROWS, CHANNELS, POSITIONS = 20, 100, (35, 45)
LAST_BIT = 2**-53


@dataclass(frozen=True)
class FreshLayer:
    """Every output of a layer for ones, in float64, and its running statistics.

    Attributes:
        evaluating: before anything else.
        training: after that.
        mean: after the training step.
        variance: after it.
        evaluating_again: after it.
    """

    evaluating: float
    training: float
    mean: float
    variance: float
    evaluating_again: float


def check_fresh_layer(
    checks: Checks,
    launcher: Launcher,
    folder: Path,
    name: str,
    seen: FreshLayer,
    expected: FreshLayer,
    arguments: Sequence[object],
) -> None:
    """The framework says what is expected, and so do our commands eval and train.

    Args:
        seen: the framework's numbers.
        arguments: which convention and layout.
    """
    for words, number in asdict(expected).items():
        error = error_in_units_of(1, [asdict(seen)[words]], [number])
        checks.at_most(f"ones, {name}: {words.replace('_', ' ')}, from {number}", error, LAST_BIT)
    shape = (ROWS, *POSITIONS, CHANNELS) if "channels-last" in arguments else (ROWS, CHANNELS, *POSITIONS)
    source, target, fresh, trained = (folder / f for f in ("in.npy", "out.npy", "a.safetensors", "b.safetensors"))
    np.save(source, np.ones(shape, np.float32))
    save_file({"bn.running_mean": np.zeros(CHANNELS), "bn.running_var": np.ones(CHANNELS)}, fresh)
    for step, command, output in (
        ("eval", ("eval", "--checkpoint", fresh), expected.evaluating),
        ("train", ("train", "--checkpoint", fresh, "--save-checkpoint", trained), expected.training),
        ("eval again", ("eval", "--checkpoint", trained), expected.evaluating_again),
    ):
        target.unlink(missing_ok=True)
        launcher.run(*command, *arguments, source, target)
        distance = worst_ulp(np.load(target), np.full(shape, output, np.float32))
        checks.at_most(f"ones, ours as {name}: {step}, ulp of float32 from {output}", distance, 1)
    averages = Statistics(np.full(CHANNELS, expected.mean), np.full(CHANNELS, expected.variance))
    check_statistics(checks, f"ones, ours as {name}", statistics_of(trained, "bn"), averages, FLOAT64)

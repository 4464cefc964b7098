"""Moving averages and the command train against a framework's own, whichever it is. No framework."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from interop_recordings import arrays_of
from interop_support import Checks, Launcher, error_in_units_of, relative_error, root_mean_square, worst_ulp
from safetensors.numpy import save_file

MEAN = ("running_mean", "moving_mean")
VARIANCE = ("running_var", "moving_variance")


@dataclass(frozen=True)
class Statistics:
    """Of one layer."""

    mean: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Bounds:
    """How far from the framework's numbers ours may be, and why not less.

    Attributes:
        statistics: relative; of a mean, in units of the root mean square of what it is the mean of.
        reason: for the name of the check.
    """

    statistics: float
    reason: str


FLOAT64 = Bounds(1e-12, "float64")


def statistics_of(file: Path, layer: str) -> Statistics:
    """Of a safetensors checkpoint, in whichever naming."""
    arrays = arrays_of(file)
    found = []
    for words in (MEAN, VARIANCE):
        (array,) = (arrays[f"{layer}.{word}"] for word in words if f"{layer}.{word}" in arrays)
        found.append(array)
    return Statistics(*found)


def check_statistics(checks: Checks, name: str, seen: Statistics, expected: Statistics, bounds: Bounds) -> None:
    rms = root_mean_square(expected.mean, expected.variance)
    error = error_in_units_of(rms, seen.mean, expected.mean)
    checks.at_most(f"{name}, running mean, {bounds.reason}", error, bounds.statistics)
    error = relative_error(seen.variance, expected.variance)
    checks.at_most(f"{name}, running variance, {bounds.reason}", error, bounds.statistics)


def write_step(folder: Path, step: int, recorded: Mapping[str, np.ndarray]) -> None:
    """One step's activations, layer -> array, as mini-batch of that number."""
    folder.mkdir(exist_ok=True)
    save_file({f"{layer}/{step}": array for layer, array in recorded.items()}, folder / f"{step:06d}.safetensors")


def check_recalibrated(
    checks: Checks,
    launcher: Launcher,
    name: str,
    arguments: Sequence[object],
    output: Path,
    expected: Mapping[str, Statistics],
    bounds: Bounds,
) -> None:
    """The estimator moving-average, over what was recorded in the steps that a framework made."""
    launcher.recalibrate(*arguments, "--estimator", "moving-average", "--output", output)
    for layer, statistics in expected.items():
        check_statistics(checks, f"moving-average, {name}: {layer}", statistics_of(output, layer), statistics, bounds)


@dataclass(frozen=True)
class TrainedAlone:
    """What a framework makes of a layer in some steps of training.

    Attributes:
        start: a safetensors checkpoint of the layer, called "bn", as it was before.
        arguments: of the command, for this framework.
        steps: float32 mini-batches.
        outputs: of the layer, for each; in float64 if the framework can.
        after: its running statistics.
        bounds: for these.
        output_ulp: of float32, for the outputs.
    """

    start: Path
    arguments: Sequence[object]
    steps: Sequence[np.ndarray]
    outputs: Sequence[np.ndarray]
    after: Statistics
    bounds: Bounds
    output_ulp: float = 1


def check_train_command(checks: Checks, launcher: Launcher, name: str, trained: TrainedAlone, folder: Path) -> None:
    """The command train, step after step, each from the checkpoint that the one before has saved."""
    folder.mkdir()
    source, target = folder / "in.npy", folder / "out.npy"
    checkpoint, worst = trained.start, 0.0
    for step, (activations, output) in enumerate(zip(trained.steps, trained.outputs, strict=True)):
        np.save(source, activations)
        target.unlink(missing_ok=True)
        after = folder / f"after-{step}.safetensors"
        launcher.run(
            "train", "--checkpoint", checkpoint, "--save-checkpoint", after, *trained.arguments, source, target
        )
        worst = max(worst, worst_ulp(np.load(target), output.astype(np.float32)))
        checkpoint = after
    checks.at_most(f"train, {name}: outputs, ulp of float32", worst, trained.output_ulp)
    check_statistics(checks, f"train, {name}", statistics_of(checkpoint, "bn"), trained.after, trained.bounds)

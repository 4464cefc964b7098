"""What the interoperability checks share: counting them, running the program, measuring distances. No framework."""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]

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

    def refused(self, name: str, call: Callable[[], object], kind: type[Exception], words: str) -> None:
        """The call raises an exception of this kind, and with these words."""
        error = exception_of(call)
        self.equal(f"{name} is refused", (isinstance(error, kind), words in str(error)), (True, True))

    def _record(self, success: bool, name: str, outcome: str) -> None:
        self.passed += success
        self.failed += not success
        print(f"{'ok    ' if success else 'FAILED'} {name}: {outcome}", flush=True)


def exception_of(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except Exception as error:
        return error
    return None


def _shortened(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."


class Launcher:
    """Runs the program, and gives its standard output."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()

    def run(self, *arguments: object) -> str:
        done = self._start(arguments)
        if done.returncode != 0:
            last_lines = "\n".join(done.stderr.splitlines()[-20:])
            raise RuntimeError(f"exit code {done.returncode} from {' '.join(done.args)}\n{last_lines}")
        return done.stdout

    def fails(self, *arguments: object) -> tuple[int, str]:
        """Exit code and standard error."""
        done = self._start(arguments)
        return done.returncode, done.stderr

    def _start(self, arguments: tuple[object, ...]) -> subprocess.CompletedProcess[str]:
        command = [str(self._path), *map(str, arguments)]
        return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)

    def recalibrate(self, *arguments: object) -> Report:
        return json.loads(self.run("recalibrate", *arguments, "--json", "--overwrite"))

    def inspect(self, file: Path) -> Report:
        return json.loads(self.run("inspect", file, "--json"))


Group = Callable[[Checks, Launcher, Path], None]


def run_groups(description: str, groups: Mapping[str, Group], without_launcher: set[str]) -> int:
    """Runs groups of checks, each in a folder of its own, as the command line says, and gives the exit code."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--launcher", type=Path, help=f"scripts/spark-batchnorm; not needed for {', '.join(sorted(without_launcher))}"
    )
    parser.add_argument("--only", nargs="+", choices=groups, default=list(groups), help="default: all")
    options = parser.parse_args()
    if options.launcher is None and not without_launcher.issuperset(options.only):
        parser.error("--launcher is needed")
    launcher = Launcher(options.launcher or Path("no-launcher"))
    checks = Checks()
    for group in options.only:
        with tempfile.TemporaryDirectory(prefix=f"check-interop-{group}-") as folder:
            try:
                groups[group](checks, launcher, Path(folder))
            except Exception:  # one group that breaks must not hide the others
                checks.failure(group, traceback.format_exc())
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def layers_of(report: Report) -> dict[str, dict[str, Any]]:
    return {layer["name"]: layer for layer in report["layers"]}


def check_eval_mode_warning(checks: Checks, name: str, of_training: Report, of_eval: Report) -> None:
    """Recalibrating a recording made in eval mode gives a warning, and one made in training mode none."""
    for mode, report, expected in (("train", of_training, 0), ("eval", of_eval, 1)):
        warnings = [warning for warning in report["warnings"] if "eval mode" in warning]
        checks.equal(f"{name}: warnings about eval mode of a recording in mode {mode}", len(warnings), expected)


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

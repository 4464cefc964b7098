"""Checks on the committed example: statistics, checkpoints and the kernel against numpy and PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from interop_recordings import DIGITS, channel_rows, recorded_mini_batches
from interop_support import (
    ROOT,
    Checks,
    Launcher,
    Report,
    error_in_units_of,
    layers_of,
    relative_error,
    root_mean_square,
    worst_ulp,
)
from interop_torch import tensors_of, update_bn_float64
from make_digits_example import DigitsNet
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file
from torch import nn

CLOSE = 1e-12
LAYERS = ("bn1", "bn2", "bn3")


def run_digits(launcher: Launcher, checkpoint: Path, report: Path) -> Report:
    """Runs the committed job of the example, with F64 output."""
    job = ROOT / "jobs" / "digits.yaml"
    return launcher.recalibrate(job, "--dtype", "F64", "--output", checkpoint, "--report", report)


def check_digits(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Pooled statistics equal numpy's, in the report on stdout, the report file and the checkpoint."""
    checkpoint, report = folder / "digits-f64.safetensors", folder / "digits-report.json"
    on_stdout = layers_of(run_digits(launcher, checkpoint, report))
    in_file = layers_of(json.loads(report.read_text(encoding="utf-8")))
    saved = tensors_of(checkpoint)
    mini_batches = recorded_mini_batches(DIGITS)
    checks.equal("digits: layers", sorted(on_stdout), sorted(mini_batches))
    for layer, batches in mini_batches.items():
        values = channel_rows(batches)
        checks.equal(f"digits: {layer} count", on_stdout[layer]["count"], [values.shape[1]] * len(values))
        checks.equal(f"digits: {layer} mini-batches", on_stdout[layer]["miniBatches"], len(batches))
        places = {
            "report on stdout": (on_stdout[layer]["mean"], on_stdout[layer]["variance"]["pooled-unbiased"]),
            "report file": (in_file[layer]["mean"], in_file[layer]["variance"]["pooled-unbiased"]),
            "checkpoint": (saved[f"{layer}.running_mean"], saved[f"{layer}.running_var"]),
        }
        rms = np.sqrt(np.square(values).mean(axis=1))
        for place, (mean, variance) in places.items():
            name = f"digits: {layer} in the {place}"
            error = relative_error(variance, values.var(axis=1, ddof=1))
            checks.at_most(f"{name}, variance against numpy", error, CLOSE)
            error = error_in_units_of(rms, mean, values.mean(axis=1))
            checks.at_most(f"{name}, mean against numpy", error, CLOSE)
        dtype = saved[f"{layer}.running_var"].dtype
        checks.equal(f"digits: {layer} dtype in the F64 checkpoint", dtype, torch.float64)


def check_eval(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The F32 checkpoint loads into PyTorch, and the local kernel computes what PyTorch does in float64."""
    checkpoint = folder / "digits-f32.safetensors"
    launcher.recalibrate("--input", DIGITS, "--output", checkpoint)
    saved = tensors_of(checkpoint)
    model = DigitsNet()
    outcome = model.load_state_dict(saved, strict=False)
    checks.equal("load: unexpected keys", outcome.unexpected_keys, [])
    checks.equal("load: missing BatchNorm buffers", [key for key in outcome.missing_keys if ".running_" in key], [])
    mini_batches = recorded_mini_batches(DIGITS)
    for layer in LAYERS:
        tracked = saved[f"{layer}.num_batches_tracked"]
        seen = (tracked.item(), tracked.dtype, tuple(tracked.shape))
        checks.equal(f"load: {layer}.num_batches_tracked", seen, (len(mini_batches[layer]), torch.int64, ()))
        in_use = torch.equal(model.get_submodule(layer).running_var, saved[f"{layer}.running_var"])
        checks.equal(f"load: {layer}.running_var in use", in_use, True)

    torch.manual_seed(7)
    for layer in LAYERS:
        module = model.get_submodule(layer)
        _check_kernel(checks, launcher, folder, f"eval: {layer}", layer, module, checkpoint, mini_batches[layer][0])
    with_affine = folder / "digits-affine.safetensors"
    for layer in LAYERS:
        nn.init.normal_(model.get_submodule(layer).weight, 1.0, 0.5)
        nn.init.normal_(model.get_submodule(layer).bias)
    save_file(model.state_dict(), with_affine)
    for layer in LAYERS:
        name = f"eval: {layer} with weight and bias, from PyTorch's own state dict"
        module = model.get_submodule(layer)
        _check_kernel(checks, launcher, folder, name, layer, module, with_affine, mini_batches[layer][0])


def _check_kernel(
    checks: Checks,
    launcher: Launcher,
    folder: Path,
    name: str,
    layer: str,
    module: nn.Module,
    checkpoint: Path,
    activations: np.ndarray,
) -> None:
    """Within 1 ulp of the float64 module's output rounded to float32, in every layout of the activations."""
    module.eval().double()
    with torch.no_grad():
        exact = module(torch.from_numpy(activations).double()).numpy().astype(np.float32)
    module.float()
    layouts = {"NC": (0, 1)} if activations.ndim == 2 else {"NCHW": (0, 1, 2, 3), "NHWC": (0, 2, 3, 1)}
    source, target = folder / "in.npy", folder / "out.npy"
    for layout, axes in layouts.items():
        np.save(source, np.ascontiguousarray(activations.transpose(axes)))
        target.unlink(missing_ok=True)
        launcher.run("eval", "--checkpoint", checkpoint, "--layer", layer, "--layout", layout, source, target)
        checks.at_most(f"{name}, {layout}, ulp of float32", worst_ulp(np.load(target), exact.transpose(axes)), 1)


def check_paper(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The estimator ``paper`` is PyTorch's update_bn, whatever a mini-batch is said to be."""
    mini_batches = recorded_mini_batches(DIGITS)
    _check_update_bn(checks, launcher, folder, "paper", ["--input", DIGITS], mini_batches)
    rows = 25
    split = {
        layer: [batch[k : k + rows] for batch in batches for k in range(0, len(batch), rows)]
        for layer, batches in mini_batches.items()
    }
    arguments = ["--input", DIGITS, "--mini-batch", rows]
    _check_update_bn(checks, launcher, folder, f"paper, {rows} rows each", arguments, split)
    halves = folder / "halves"
    for number in range(2):
        (halves / str(number)).mkdir(parents=True)
        pieces = {f"{layer}/{k}": np.array_split(batch, 2)[number] for layer, k, batch in _numbered(mini_batches)}
        save_arrays(pieces, halves / str(number) / "half.safetensors")
    arguments = ["--input", halves, "--mini-batch", "key"]
    _check_update_bn(checks, launcher, folder, "paper, over files by key", arguments, mini_batches)


def _numbered(mini_batches: dict[str, list[np.ndarray]]) -> list[tuple[str, int, np.ndarray]]:
    return [(layer, k, batch) for layer, batches in mini_batches.items() for k, batch in enumerate(batches)]


def _check_update_bn(
    checks: Checks,
    launcher: Launcher,
    folder: Path,
    name: str,
    arguments: list[object],
    mini_batches: dict[str, list[np.ndarray]],
) -> None:
    """Report and checkpoint hold what update_bn leaves over these mini-batches."""
    checkpoint = folder / "digits-paper.safetensors"
    outcome = launcher.recalibrate(*arguments, "--estimator", "paper", "--dtype", "F64", "--output", checkpoint)
    report = layers_of(outcome)
    saved = tensors_of(checkpoint)
    for layer, batches in mini_batches.items():
        torchs = update_bn_float64(batches)
        rms = root_mean_square(torchs.running_mean, torchs.running_var)
        places = {
            "report": (report[layer]["means"].get("paper", report[layer]["mean"]), report[layer]["variance"]["paper"]),
            "checkpoint": (saved[f"{layer}.running_mean"], saved[f"{layer}.running_var"]),
        }
        for place, (mean, variance) in places.items():
            words = f"{name}: {layer} in the {place}"
            checks.at_most(f"{words}, variance against update_bn", relative_error(variance, torchs.running_var), CLOSE)
            checks.at_most(f"{words}, mean against update_bn", error_in_units_of(rms, mean, torchs.running_mean), CLOSE)
        tracked = saved[f"{layer}.num_batches_tracked"].item()
        checks.equal(f"{name}: {layer}.num_batches_tracked", tracked, torchs.num_batches_tracked.item())


def check_formats(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The same activations as npy and Parquet give the same statistics."""
    expected = layers_of(run_digits(launcher, folder / "digits.safetensors", folder / "digits.json"))
    mini_batches = recorded_mini_batches(DIGITS)
    for name, write in (("npy", _write_npy), ("parquet", _write_parquet)):
        source = folder / f"digits-{name}"
        write(source, mini_batches)
        output = folder / f"digits-{name}.safetensors"
        report = launcher.recalibrate("--input", source, "--dtype", "F64", "--output", output)
        seen = layers_of(report)
        checks.equal(f"{name}: layers", sorted(seen), sorted(expected))
        for layer, numbers in expected.items():
            for key in ("channels", "count", "miniBatches"):
                checks.equal(f"{name}: {layer} {key}", seen[layer][key], numbers[key])
            variance = numbers["variance"]["pooled-unbiased"]
            rms = root_mean_square(numbers["mean"], variance)
            error = relative_error(seen[layer]["variance"]["pooled-unbiased"], variance)
            checks.at_most(f"{name}: {layer} variance against safetensors", error, CLOSE)
            error = error_in_units_of(rms, seen[layer]["mean"], numbers["mean"])
            checks.at_most(f"{name}: {layer} mean against safetensors", error, CLOSE)


def _write_npy(folder: Path, mini_batches: dict[str, list[np.ndarray]]) -> None:
    for layer, batches in mini_batches.items():
        (folder / layer).mkdir(parents=True)
        for number, batch in enumerate(batches):
            np.save(folder / layer / f"{number}.npy", batch)


def _write_parquet(folder: Path, mini_batches: dict[str, list[np.ndarray]]) -> None:
    rows = _numbered(mini_batches)
    table = pa.table(
        {
            "layer": pa.array([layer for layer, _, _ in rows], pa.string()),
            "data": pa.array([batch.reshape(-1) for _, _, batch in rows], pa.list_(pa.float32())),
            "shape": pa.array([batch.shape for _, _, batch in rows], pa.list_(pa.int32())),
            "batch": pa.array([i for _, i, _ in rows], pa.int64()),
        }
    )
    folder.mkdir()
    pq.write_table(table, folder / "digits.parquet", row_group_size=16)

"""Files that we write, in PyTorch and numpy; files that PyTorch and numpy write, in inspect and convert."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from interop_bytes import Range, Zip, check_changed_bytes, check_zip_intact
from interop_recordings import DIGITS, arrays_of
from interop_support import Checks, Launcher, layers_of, relative_error
from interop_torch import tensors_of
from make_digits_example import DigitsNet
from safetensors.torch import save_file
from torch import Tensor

SEED = 41
LAYERS = ("bn1", "bn2", "bn3")


def check_files(checks: Checks, launcher: Launcher, folder: Path) -> None:
    _check_written(checks, launcher, folder)
    _check_read(checks, launcher, folder)
    _check_old_file(checks, launcher, folder)
    _check_conventions(checks, launcher, folder)
    _check_patched_npz(checks, launcher, folder)


def _check_written(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """New checkpoints hold the report's numbers, bit for bit; and so does what convert makes of them."""
    for suffix, dtype in (("safetensors", "F64"), ("pt", "F32"), ("npz", "F64")):
        output = folder / f"new.{suffix}"
        report = layers_of(launcher.recalibrate("--input", DIGITS, "--dtype", dtype, "--output", output))
        _check_loaded(checks, f"files: new .{suffix} {dtype}", output, report, dtype)
    for source, target in (("npz", "safetensors"), ("safetensors", "pt"), ("safetensors", "npz")):
        output = folder / f"converted.{target}"
        launcher.run("convert", folder / f"new.{source}", output)
        _check_loaded(checks, f"files: .{target} converted from {source}", output, report, "F64")


def _check_loaded(checks: Checks, name: str, file: Path, report: dict[str, Any], dtype: str) -> None:
    kind = {"F64": np.float64, "F32": np.float32}[dtype]
    loaded = LOADERS[file.suffix](checks, name, file)
    for layer in LAYERS:
        variance = report[layer]["variance"]["pooled-unbiased"]
        for word, numbers in (("mean", report[layer]["mean"]), ("variance", variance)):
            seen = loaded[layer, word]
            same = seen.dtype == kind and np.array_equal(seen, np.array(numbers).astype(kind))
            checks.equal(f"{name}: {word} of {layer} as in the report", same, True)


Loaded = dict[tuple[str, str], np.ndarray]


def _load_state(checks: Checks, name: str, state: dict[str, Tensor]) -> Loaded:
    """Through a module, as a user does."""
    model = DigitsNet()
    if state["bn1.running_mean"].dtype == torch.float64:
        model.double()
    outcome = model.load_state_dict(state, strict=False)
    checks.equal(f"{name}: unexpected keys", outcome.unexpected_keys, [])
    checks.equal(f"{name}: missing statistics", [key for key in outcome.missing_keys if ".running_" in key], [])
    tracked = {tensor.dtype: tensor.shape for key, tensor in state.items() if key.endswith(".num_batches_tracked")}
    checks.equal(f"{name}: num_batches_tracked", tracked, {torch.int64: torch.Size([])})
    words = {"mean": "running_mean", "variance": "running_var"}
    return {
        (layer, word): model.get_buffer(f"{layer}.{buffer}").numpy()
        for layer in LAYERS
        for word, buffer in words.items()
    }


def _load_pt(checks: Checks, name: str, file: Path) -> Loaded:
    state = torch.load(file, weights_only=True)
    checks.equal(f"{name}: what torch.load gives", type(state), dict)
    return _load_state(checks, name, state)


def _load_npz(checks: Checks, name: str, file: Path) -> Loaded:
    with np.load(file, allow_pickle=False) as arrays:
        metadata = json.loads(str(arrays["metadata"]))
        checks.equal(f"{name}: metadata", "spark-batchnorm.version" in metadata, True)
        return {(layer, word): arrays[f"{layer}/{word}"] for layer in LAYERS for word in ("mean", "variance")}


LOADERS: dict[str, Callable[[Checks, str, Path], Loaded]] = {
    ".safetensors": lambda checks, name, file: _load_state(checks, name, tensors_of(file)),
    ".pt": _load_pt,
    ".npz": _load_npz,
}


def _check_read(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """What PyTorch and numpy write is listed by inspect, and its statistics come through convert bit for bit."""
    torch.manual_seed(SEED)
    model = DigitsNet().double()
    with torch.no_grad():
        for _ in range(3):
            model(torch.randn(9, 1, 8, 8).double())
    files: list[tuple[str, Path, dict[str, Tensor]]] = []
    for word, dtype in (
        ("F64", torch.float64),
        ("F32", torch.float32),
        ("F16", torch.float16),
        ("BF16", torch.bfloat16),
    ):
        state = model.to(dtype).state_dict()
        for suffix, write in (("pt", torch.save), ("safetensors", save_file)):
            file = folder / f"torch-{word}.{suffix}"
            write({key: tensor.clone() for key, tensor in state.items()}, file)
            files.append((f"files: PyTorch's .{suffix} {word}", file, {k: t.clone() for k, t in state.items()}))
    for name, file, state in files:
        listed = layers_of(launcher.inspect(file))
        channels = {layer: state[f"{layer}.running_mean"].numel() for layer in LAYERS}
        checks.equal(f"{name}: layers", {layer: listed[layer]["channels"] for layer in listed}, channels)
        output = file.with_name(f"of-{file.name}.safetensors")
        launcher.run("convert", file, output)
        converted = tensors_of(output)
        same = all(
            torch.equal(converted[f"{layer}.{word}"].double(), state[f"{layer}.{word}"].double())
            for layer in LAYERS
            for word in ("running_mean", "running_var", "num_batches_tracked")
        )
        checks.equal(f"{name}: statistics after convert", same, True)
    _check_numpy(checks, launcher, folder)


def _check_numpy(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The neutral door: numpy.savez, compressed too, with Flax's names too."""
    generator = np.random.default_rng(SEED)
    mean, variance = generator.normal(size=5), generator.uniform(0.5, 2, 5)
    written = {
        "savez": (np.savez, "a/bn/mean", "a/bn/variance"),
        "savez_compressed": (np.savez_compressed, "a/bn/mean", "a/bn/variance"),
        "savez with Flax's names": (np.savez, "batch_stats/a/bn/mean", "batch_stats/a/bn/var"),
    }
    for number, (name, (write, mean_key, variance_key)) in enumerate(written.items()):
        file, output = folder / f"numpy-{number}.npz", folder / f"of-numpy-{number}.safetensors"
        write(file, **{mean_key: mean, variance_key: variance})
        listed = layers_of(launcher.inspect(file))
        checks.equal(f"files: numpy's {name}: layers", {k: v["channels"] for k, v in listed.items()}, {"a/bn": 5})
        launcher.run("convert", file, output)
        converted = arrays_of(output)
        seen = [converted["a/bn.running_mean"].tolist(), converted["a/bn.running_var"].tolist()]
        checks.equal(f"files: numpy's {name}: statistics after convert", seen, [mean.tolist(), variance.tolist()])


def _check_old_file(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """From before PyTorch 1.6: not a zip. It is refused, with the way out."""
    file = folder / "old.pt"
    torch.save(DigitsNet().state_dict(), file, _use_new_zipfile_serialization=False)
    code, words = launcher.fails("inspect", file)
    checks.equal("files: a .pt from before 1.6 is refused", (code, "1.6" in words), (3, True))


def _check_conventions(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Bessel's factor where n is recorded; a refusal where it is needed and is not."""
    unbiased, biased = folder / "unbiased.safetensors", folder / "biased.safetensors"
    estimators = ("--estimator", "pooled-unbiased,pooled-biased", "--dtype", "F64")
    report = layers_of(launcher.recalibrate("--input", DIGITS, *estimators, "--output", unbiased))
    words = launcher.run("convert", unbiased, biased, "--convention", "keras")
    checks.equal("files: convert says what happens to the variance", "(n - 1) / n" in words, True)
    converted = arrays_of(biased)
    for layer in LAYERS:
        expected = report[layer]["variance"]["pooled-biased"]
        error = relative_error(converted[f"{layer}.moving_variance"], expected)
        checks.at_most(f"files: biased variance of {layer} after convert", error, 1e-15)
    framework = folder / "unknown.safetensors"
    save_file(DigitsNet().state_dict(), framework)
    code, words = launcher.fails("convert", framework, folder / "no.safetensors", "--convention", "keras")
    checks.equal("files: convert without a known n is refused", (code, "COUNT_UNKNOWN" in words), (3, True))


def _check_patched_npz(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """In an .npz of numpy's only the statistics change; a compressed one cannot be patched, and is not."""
    channels = {"bn1": 8, "bn2": 16, "bn3": 32}
    arrays = {"before": np.arange(3.0)}
    for layer, size in channels.items():
        arrays |= {f"{layer}/mean": np.zeros(size), f"{layer}/variance": np.ones(size)}
    plain, compressed, patched = (folder / name for name in ("plain.npz", "compressed.npz", "patched.npz"))
    np.savez(plain, **arrays)
    np.savez_compressed(compressed, **arrays)
    arguments = ("apply", "--statistics", folder / "new.safetensors", "--output", patched, "--model")
    launcher.run(*arguments, plain)
    changed = [f"{layer}/{word}" for layer in channels for word in ("mean", "variance")]
    archive = Zip(plain)
    ranges: list[Range] = []
    for name in changed:
        size = archive.size(f"{name}.npy")
        ranges += archive.ranges(f"{name}.npy", [(size - arrays[name].nbytes, size)])
    check_changed_bytes(checks, "files: patched .npz", plain, patched, ranges)
    check_zip_intact(checks, "files: patched .npz", patched)
    new = arrays_of(folder / "new.safetensors")
    with np.load(patched, allow_pickle=False) as seen:
        same = all(np.array_equal(seen[f"{layer}/mean"], new[f"{layer}.running_mean"]) for layer in channels)
    checks.equal("files: patched .npz: means", same, True)
    patched.unlink()
    code, words = launcher.fails(*arguments, compressed)
    refused = (code, "NOT_PATCHABLE" in words, patched.exists())
    checks.equal("files: a compressed .npz is not patched", refused, (3, True, False))

"""A Keras model of twelve BatchNormalization layers through all of it: recorded, recalibrated, patched, loaded."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
from dump_activations_keras import dump_activations
from interop_bytes import Range, Zip, check_changed_bytes, check_zip_intact
from interop_keras_model import batch_norms, many_norms, mini_batches
from interop_moving_average import Statistics
from interop_recordings import arrays_of, channel_rows, recorded_mini_batches
from interop_support import Checks, Launcher, check_eval_mode_warning, worst_ulp

WEIGHTS = "model.weights.h5"


def check_keras_models(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Statistics of the population, biased as Keras's are, by recalibrate and by apply."""
    model = many_norms()
    activations = folder / "activations"
    dump_activations(model, mini_batches(), activations)
    expected = population_statistics(activations)
    checks.equal("keras: layers", sorted(expected), sorted(batch_norms(model)))
    kept, weights = folder / "net.keras", folder / "net.weights.h5"
    model.save(kept)
    model.save_weights(weights)
    for layer, statistics in expected.items():
        batch_norms(model)[layer].set_weights(
            [*batch_norms(model)[layer].get_weights()[:-2], statistics.mean, statistics.variance]
        )

    arguments = ("--input", activations, "--layout", "channels-last", "--convention", "keras")
    arguments = (*arguments, "--estimator", "pooled-biased")
    patched = folder / "patched.keras"
    report = launcher.recalibrate(*arguments, "--model", kept, "--output", patched)
    _check_model(checks, "keras, .keras", keras.saving.load_model(patched), model)
    check_changed_bytes(checks, "keras, .keras", kept, patched, archive_ranges(kept, model))
    check_zip_intact(checks, "keras, .keras", patched)

    statistics_file, patched = folder / "statistics.safetensors", folder / "patched.weights.h5"
    launcher.recalibrate(*arguments, "--dtype", "F64", "--output", statistics_file)
    names = {f"{layer}.{word}" for layer in expected for word in ("moving_mean", "moving_variance")}
    checks.equal("keras, new .safetensors: names", set(arrays_of(statistics_file)), names)
    launcher.run("apply", "--statistics", statistics_file, "--model", weights, "--output", patched)
    loaded = many_norms()
    loaded.load_weights(patched)
    _check_model(checks, "keras, .weights.h5", loaded, model)
    check_changed_bytes(checks, "keras, .weights.h5", weights, patched, weights_ranges(weights.read_bytes(), model))

    recorded = folder / "eval"
    dump_activations(model, mini_batches(), recorded, mode="eval")
    arguments = ("--input", recorded, "--layout", "channels-last", "--output", folder / "of-eval.safetensors")
    check_eval_mode_warning(checks, "keras", report, launcher.recalibrate(*arguments))


def population_statistics(activations: Path) -> dict[str, Statistics]:
    """By numpy in float64, two passes, rounded once to what the model holds."""
    rows = {name: channel_rows(batches, axis=-1) for name, batches in recorded_mini_batches(activations).items()}
    return {
        name: Statistics(values.mean(axis=1).astype(np.float32), values.var(axis=1).astype(np.float32))
        for name, values in rows.items()
    }


def _check_model(checks: Checks, name: str, seen: keras.Model, expected: keras.Model) -> None:
    for layer, wanted in batch_norms(expected).items():
        for word, k in (("moving_mean", -2), ("moving_variance", -1)):
            distance = worst_ulp(batch_norms(seen)[layer].get_weights()[k], wanted.get_weights()[k])
            checks.at_most(f"{name}: {layer}, {word}, ulp of float32 from numpy's", distance, 0)
    batch = mini_batches()[0]
    outputs = [model(batch, training=False).numpy() for model in (seen, expected)]
    checks.equal(f"{name}: eval outputs, bit for bit", np.array_equal(*outputs), True)


def weights_ranges(file: bytes, model: keras.Model) -> list[Range]:
    """Where a weights file keeps the moving statistics of the model's layers, as h5py tells it."""
    ranges: list[Range] = []
    with h5py.File(io.BytesIO(file)) as opened:
        for name, layer in batch_norms(model).items():
            variables = _variables(opened, name)
            for k in (len(layer.weights) - 2, len(layer.weights) - 1):
                data = variables[str(k)]
                ranges.append((data.id.get_offset(), data.id.get_offset() + data.nbytes))
    return ranges


def _variables(opened: h5py.File, layer: str) -> h5py.Group:
    """The group of a layer, by its path, or by the name that Keras has left there."""
    if layer in opened:
        return opened[layer]["vars"]
    found: list[h5py.Group] = []
    opened.visititems(lambda _, node: found.append(node) if node.attrs.get("name") == layer else None)
    (group,) = found
    return group


def archive_ranges(file: Path, model: keras.Model) -> list[Range]:
    with zipfile.ZipFile(file) as opened:
        weights = opened.read(WEIGHTS)
    return Zip(file).ranges(WEIGHTS, weights_ranges(weights, model))

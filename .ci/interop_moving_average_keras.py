"""Keras 3's and tf.keras's own moving statistics, after steps of real training, against moving-average and train."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tf_keras
from dump_activations_keras import dump_activations
from interop_moving_average import (
    FLOAT64,
    Bounds,
    Statistics,
    TrainedAlone,
    check_recalibrated,
    check_statistics,
    check_train_command,
    statistics_of,
    write_step,
)
from interop_recordings import arrays_of
from interop_support import Checks, Launcher
from safetensors.numpy import save_file

SEED = 31
STEP_ROWS = (6, 4, 5, 3)
LAYERS = ("bn_image", "bn_flat")
KERAS = ("--layout", "channels-last", "--convention", "keras")
# TensorFlow's fused operator knows no float64: its sums, and the moving statistics, are float32.
FUSED = Bounds(2e-6, "float32")
# Keras divides by the count of unmasked values plus 1e-7.
MASKED = Bounds(1e-7, "Keras's count is 1e-7 more")


def images() -> list[np.ndarray]:
    generator = np.random.default_rng(SEED)
    return [generator.normal(1, 2, (rows, 8, 8, 3)).astype(np.float32) for rows in STEP_ROWS]


def small_net(family: Any, momentum: float, dtype: str) -> Any:
    """Of keras or tf_keras."""
    family.utils.set_random_seed(SEED)
    layers = family.layers
    return family.Sequential(
        [
            family.Input((8, 8, 3), dtype=dtype),
            layers.Conv2D(4, 3, dtype=dtype),
            layers.BatchNormalization(momentum=momentum, dtype=dtype, name="bn_image"),
            layers.ReLU(dtype=dtype),
            layers.Flatten(dtype=dtype),
            layers.Dense(6, dtype=dtype),
            layers.BatchNormalization(momentum=momentum, dtype=dtype, name="bn_flat"),
            layers.Dense(2, dtype=dtype),
        ]
    )


def train_and_record(model: Any, family: Any, folder: Path) -> dict[str, Statistics]:
    """Steps of SGD, and the activations of each in a folder, as it changes the next; the statistics after them."""
    model.compile(family.optimizers.SGD(0.1), "mse", jit_compile=False)
    for step, batch in enumerate(images()):
        dump_activations(model, [batch], folder / f"step-{step}")
        recorded = arrays_of(folder / f"step-{step}" / "000000.safetensors")
        write_step(folder / "steps", step, {name.removesuffix("/0"): array for name, array in recorded.items()})
        model.train_on_batch(batch, np.ones((len(batch), 2)))
    return {name: Statistics(*model.get_layer(name).get_weights()[-2:]) for name in LAYERS}


def check_moving_average(checks: Checks, launcher: Launcher, folder: Path) -> None:
    folder = folder / "moving"
    folder.mkdir()
    _check_keras(checks, launcher, folder / "keras")
    _check_from_model(checks, launcher, folder / "model")
    _check_fused(checks, launcher, folder / "fused")
    place = folder / "train-keras"
    place.mkdir()
    layer = keras.layers.BatchNormalization(momentum=0.9, dtype="float64")
    check_train_command(checks, launcher, "Keras 3", _trained_alone(place, layer, "keras", FLOAT64), place / "steps")
    place = folder / "train-fused"
    place.mkdir()
    layer = tf_keras.layers.BatchNormalization(momentum=0.9)
    trained = _trained_alone(place, layer, "keras-fused", FUSED)
    checks.equal("fused tf.keras is fused", layer.fused, True)
    check_train_command(checks, launcher, "fused tf.keras", trained, place / "steps")
    _check_mask(checks, launcher, folder / "mask")


def _check_keras(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The convention's own momentum, 0.99."""
    expected = train_and_record(small_net(keras, 0.99, "float64"), keras, folder)
    arguments = ("--input", folder / "steps", *KERAS, "--dtype", "F64")
    check_recalibrated(checks, launcher, "Keras 3", arguments, folder / "averaged.safetensors", expected, FLOAT64)


def _check_from_model(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Not from mean 0 and variance 1, but from where a weights file is when the steps begin."""
    folder.mkdir()
    model = small_net(keras, 0.8, "float64")
    for batch in images():
        model(batch + 1, training=True)
    weights, patched = folder / "before.weights.h5", folder / "after.weights.h5"
    model.save_weights(weights)
    expected = train_and_record(model, keras, folder)
    launcher.recalibrate(
        "--input", folder / "steps", *KERAS, "--estimator", "moving-average", "--momentum", "0.8",
        "--initial", "model", "--model", weights, "--output", patched,
    )  # fmt: skip
    model.load_weights(patched)
    for name, statistics in expected.items():
        seen = Statistics(*model.get_layer(name).get_weights()[-2:])
        check_statistics(checks, f"moving-average, Keras 3 from the model: {name}", seen, statistics, FLOAT64)


def _check_fused(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Only the layer on images is fused; the other one feeds its moving variance with the biased one."""
    model = small_net(tf_keras, 0.9, "float32")
    expected = train_and_record(model, tf_keras, folder)
    fused = [model.get_layer(name).fused for name in LAYERS]
    checks.equal("layers of tf.keras that are fused", fused, [True, False])
    for convention, layer in (("keras-fused", "bn_image"), ("keras", "bn_flat")):
        arguments = ("--input", folder / "steps", *KERAS[:3], convention, "--momentum", "0.9", "--layers", layer)
        output = folder / f"{layer}.safetensors"
        arguments = (*arguments, "--dtype", "F64")
        name = f"tf.keras as {convention}"
        check_recalibrated(checks, launcher, name, arguments, output, {layer: expected[layer]}, FUSED)


def _trained_alone(folder: Path, layer: Any, convention: str, bounds: Bounds) -> TrainedAlone:
    """In the layer's dtype; the outputs of a float32 layer are no reference, those of a float64 one are."""
    generator = np.random.default_rng(SEED)
    gamma, beta, mean = generator.normal(size=(3, 3))
    variance = generator.uniform(0.5, 2, 3)
    start = folder / "start.safetensors"
    words = {"gamma": gamma, "beta": beta, "moving_mean": mean, "moving_variance": variance}
    save_file({f"bn.{word}": values for word, values in words.items()}, start)
    exact = keras.layers.BatchNormalization(dtype="float64")
    for norm in (layer, exact):
        norm.build((None, 8, 8, 3))
        norm.set_weights([gamma, beta, mean, variance])
    steps = images()
    for batch in steps:
        layer(batch, training=True)
    outputs = [exact(batch, training=True).numpy() for batch in steps]
    arguments = (*KERAS[:3], convention, "--momentum", "0.9")
    return TrainedAlone(start, arguments, steps, outputs, Statistics(*layer.get_weights()[-2:]), bounds)


def _check_mask(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """One dimension less than the input; what is masked is left out of the statistics."""
    folder.mkdir()
    generator = np.random.default_rng(SEED)
    values = generator.normal(1, 2, (6, 5, 3)).astype(np.float32)
    mask = generator.uniform(size=(6, 5)) < 0.7
    layer = keras.layers.BatchNormalization(momentum=0.9, dtype="float64")
    output = layer(values, mask=mask, training=True).numpy()
    start = {"bn.moving_mean": np.zeros(3), "bn.moving_variance": np.ones(3)}
    files = {
        name: folder / name for name in ("start.safetensors", "after.safetensors", "mask.npy", "in.npy", "out.npy")
    }
    save_file(start, files["start.safetensors"])
    np.save(files["in.npy"], values)
    np.save(files["mask.npy"], mask)
    launcher.run(
        "train", "--checkpoint", files["start.safetensors"], "--save-checkpoint", files["after.safetensors"],
        *KERAS, "--momentum", "0.9", "--mask", files["mask.npy"], files["in.npy"], files["out.npy"],
    )  # fmt: skip
    seen = statistics_of(files["after.safetensors"], "bn")
    expected = Statistics(*layer.get_weights()[-2:])
    check_statistics(checks, "train, Keras 3 with a mask", seen, expected, MASKED)
    error = float(np.max(np.abs(np.load(files["out.npy"]) - output)))
    checks.at_most("train, Keras 3 with a mask: outputs of about 1", error, 1e-6)

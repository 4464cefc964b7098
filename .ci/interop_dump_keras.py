"""Checks of scripts/dump_activations_keras.py: what it writes, and that it leaves the model as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
import tf_keras
from dump_activations_keras import dump_activations
from interop_keras_model import BATCH_ROWS, SEED, batch_norms, many_norms, mini_batches
from interop_recordings import arrays_of, channel_rows, metadata_of, recorded_mini_batches
from interop_support import ROOT, Checks, error_in_units_of, exception_of, relative_error, root_mean_square
from keras import layers
from safetensors import safe_open

SCRIPT = ROOT / "scripts" / "dump_activations_keras.py"
BATCHES = len(BATCH_ROWS)
CLOSE = 1e-12


def check_dump(checks: Checks, folder: Path) -> None:
    _check_files(checks, folder / "files")
    _check_values(checks, folder / "values")
    _check_model_untouched(checks, folder / "untouched")
    _check_eval_mode(checks, folder / "eval")
    _check_frozen_layers(checks, folder / "frozen")
    _check_masks(checks, folder / "masks")
    _check_dtypes_and_batches(checks, folder / "dtypes")
    _check_wrapped_layers(checks, folder / "wrapped")
    _check_tf_keras(checks, folder / "tf_keras")
    _check_refusals(checks, folder / "refusals")
    _check_program(checks, folder / "program")


def _check_files(checks: Checks, folder: Path) -> None:
    model = many_norms()
    written = dump_activations(model, [(batch, "labels") for batch in mini_batches()], folder)
    checks.equal("dump: mini-batches returned", written, BATCHES)
    files = sorted(folder.iterdir())
    names = [f"{batch:06d}.safetensors" for batch in range(BATCHES)]
    checks.equal("dump: files", [file.name for file in files], names)
    for batch, file in enumerate(files):
        # The shared layer is called twice a forward.
        expected = {f"{name}/{batch}" for name in batch_norms(model) if name != "shared"}
        expected |= {f"shared/{2 * batch}", f"shared/{2 * batch + 1}"}
        checks.equal(f"dump: keys of {file.name}", sorted(arrays_of(file)), sorted(expected))
    metadata = metadata_of(files[0])
    checks.equal("dump: mode and layout", (metadata["mode"], metadata["layout"]), ("train", "channels-last"))
    checks.equal("dump: axes that are not the last", json.loads(metadata["axis"]), {"on_axis_1": 1})
    checks.equal("dump: producer", metadata["producer"], f"keras {keras.__version__}, tensorflow {tf.__version__}")


def _check_values(checks: Checks, folder: Path) -> None:
    """With momentum 0 the moving statistics are the mini-batch's, so Keras's own layers tell what they see."""
    keras.config.set_dtype_policy("float64")
    model = many_norms(frozen=False)
    keras.config.set_dtype_policy("float32")
    batch = mini_batches()[0].astype(np.float64)
    dump_activations(model, [batch], folder)
    recorded = recorded_mini_batches(folder)
    for layer in batch_norms(model).values():
        layer.momentum = 0.0
    # The seeds of dropout were put back, so this forward drops the same.
    model(batch, training=True)
    for name, layer in batch_norms(model).items():
        mean, variance = layer.get_weights()[-2:]
        rows = channel_rows(recorded[name][-1:], axis=-1)
        error = error_in_units_of(root_mean_square(mean, variance), rows.mean(axis=1), mean)
        checks.at_most(f"dump: mean of {name} against Keras's own", error, CLOSE)
        error = relative_error(rows.var(axis=1), variance)
        checks.at_most(f"dump: variance of {name} against Keras's own", error, CLOSE)


class Snapshot:
    """Everything about a model that recording must leave alone."""

    def __init__(self, model: keras.Model) -> None:
        self._weights = [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.variables]
        self._trainable = self._flags(model)

    @staticmethod
    def _flags(model: keras.Model) -> list[bool]:
        parts = [*model._flatten_layers(), *model.variables]
        return [part.trainable for part in parts]

    def differences(self, model: keras.Model) -> list[str]:
        found = [
            variable.path
            for variable, before in zip(model.variables, self._weights, strict=True)
            if not np.array_equal(keras.ops.convert_to_numpy(variable), before)
        ]
        found += ["trainable flags"] * (self._flags(model) != self._trainable)
        found += ["wrapped calls"] * any("call" in vars(layer) for layer in model._flatten_layers())
        found += ["eager functions"] * tf.config.functions_run_eagerly()
        return found


def _check_model_untouched(checks: Checks, folder: Path) -> None:
    for mode in ("train", "eval"):
        model = many_norms()
        model.get_layer("plain").gamma.trainable = False
        before = Snapshot(model)
        dump_activations(model, mini_batches(), folder / mode, mode=mode)
        checks.equal(f"dump: what mode {mode} changed in the model", before.differences(model), [])
    model = many_norms()
    before = Snapshot(model)
    seen = exception_of(lambda: dump_activations(model, [*mini_batches(), np.zeros((2, 9))], folder / "failing"))
    checks.equal("dump: a mini-batch that does not fit raises", type(seen), ValueError)
    checks.equal("dump: what an exception changed in the model", before.differences(model), [])
    checks.equal("dump: files after an exception", len(list((folder / "failing").iterdir())), BATCHES)
    model.compile("sgd", "mse")
    model.fit(mini_batches()[0], np.zeros((BATCH_ROWS[0], 3)), verbose=0)
    changed = before.differences(model)
    checks.equal("dump: the model trains as before", "stem_norm/moving_mean" in changed, True)


def _check_eval_mode(checks: Checks, folder: Path) -> None:
    model = many_norms()
    dump_activations(model, mini_batches(), folder, mode="eval", layers=["inner_unscaled", "plain"])
    recorded = arrays_of(folder / "000001.safetensors")
    checks.equal("dump: keys of the layers asked for", sorted(recorded), ["inner_unscaled/1", "plain/1"])
    plain = model.get_layer("plain")
    expected = keras.Model(model.inputs, plain.input)(mini_batches()[1], training=False).numpy()
    same = np.array_equal(recorded["plain/1"], expected)
    checks.equal("dump: mode eval uses moving statistics", same, True)
    checks.equal("dump: metadata in mode eval", metadata_of(folder / "000001.safetensors")["mode"], "eval")


def _check_frozen_layers(checks: Checks, folder: Path) -> None:
    """Frozen by the user, and called with training=False by the model: both normalize by the mini-batch."""
    inputs = keras.Input((3,))
    inner = keras.Sequential([inputs, layers.BatchNormalization(name="first", trainable=False)])
    outputs = layers.BatchNormalization(name="second")(inner(inputs, training=False))
    values = np.random.default_rng(SEED).normal(2, 5, (6, 3)).astype(np.float32)
    dump_activations(keras.Model(inputs, outputs), [values], folder, layers=["second"])
    seen = arrays_of(folder / "000000.safetensors")["second/0"]
    expected = layers.BatchNormalization()(values, training=True).numpy()
    checks.equal("dump: a frozen layer normalizes by its mini-batch", np.array_equal(seen, expected), True)


def _check_masks(checks: Checks, folder: Path) -> None:
    """Keras leaves masked positions out of its statistics, and so does the recording."""
    norm = layers.BatchNormalization(momentum=0.0, name="norm")
    model = keras.Sequential([keras.Input((4,)), layers.Embedding(10, 3, mask_zero=True), norm])
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    dump_activations(model, [words], folder)
    seen = arrays_of(folder / "000000.safetensors")["norm/0"]
    checks.equal("dump: what a mask lets through", seen.shape, (3, 3))
    model(words, training=True)
    error = error_in_units_of(np.abs(seen).max(axis=0), seen.mean(axis=0), norm.moving_mean.numpy())
    # Keras divides by the count of unmasked values plus 1e-7, in float32.
    checks.at_most("dump: mean of what a mask lets through against Keras's own", error, 1e-6)


def _check_dtypes_and_batches(checks: Checks, folder: Path) -> None:
    words = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16"}
    for policy, dtype in words.items():
        model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(name="norm", dtype=policy)])
        dump_activations(model, [np.ones((4, 3))], folder / policy)
        with safe_open(folder / policy / "000000.safetensors", "np") as opened:
            checks.equal(f"dump: {policy} is kept", opened.get_slice("norm/0").get_dtype(), dtype)
    values = np.random.default_rng(SEED).normal(size=(4, 3)).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(name="norm")])
    kinds = {
        "an array": [values],
        "a tuple": [(values, 1)],
        "a list": [[values, 1]],
        "a tf.data.Dataset": tf.data.Dataset.from_tensors((values, 1)),
        "a PyDataset": _OneBatch(values),
    }
    for number, (kind, batches) in enumerate(kinds.items()):
        dump_activations(model, batches, folder / str(number))
        seen = arrays_of(folder / str(number) / "000000.safetensors")["norm/0"]
        checks.equal(f"dump: the input from {kind}", np.array_equal(seen, values), True)


class _OneBatch(keras.utils.PyDataset):
    def __init__(self, values: np.ndarray) -> None:
        super().__init__()
        self._values = values

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> tuple[np.ndarray, int]:
        return self._values, index


class _Compiled(layers.Layer):
    """Calls its layer inside a function that TensorFlow compiles."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = layers.BatchNormalization(name="norm")

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.norm.build(shape)

    @tf.function
    def call(self, hidden: Any) -> Any:
        return self.norm(hidden)


def _check_wrapped_layers(checks: Checks, folder: Path) -> None:
    values = np.random.default_rng(SEED).normal(size=(5, 2, 3)).astype(np.float32)
    compiled = keras.Sequential([keras.Input((2, 3)), _Compiled()])
    compiled(values)
    dump_activations(compiled, [values], folder / "compiled")
    seen = arrays_of(folder / "compiled" / "000000.safetensors")["norm/0"]
    checks.equal("dump: a layer inside a compiled function", np.array_equal(seen, values), True)
    steps = keras.Sequential([keras.Input((2, 3)), layers.TimeDistributed(layers.BatchNormalization(name="norm"))])
    dump_activations(steps, [values], folder / "steps")
    seen = arrays_of(folder / "steps" / "000000.safetensors")
    same = sorted(seen) == ["norm/0", "norm/1"] and np.array_equal(np.stack([*seen.values()], axis=1), values)
    checks.equal("dump: a layer that is called for every time step", same, True)


def _check_tf_keras(checks: Checks, folder: Path) -> None:
    inputs = tf_keras.Input((4, 4, 3))
    hidden = tf_keras.layers.BatchNormalization(name="first", axis=1, trainable=False)(inputs)
    model = tf_keras.Model(inputs, tf_keras.layers.BatchNormalization(name="second")(hidden))
    before = [variable.numpy() for variable in model.variables]
    values = np.random.default_rng(SEED).normal(2, 5, (5, 4, 4, 3)).astype(np.float32)
    dump_activations(model, [values], folder)
    seen = arrays_of(folder / "000000.safetensors")
    checks.equal("dump: tf_keras, moved axis", np.array_equal(seen["first/0"], np.moveaxis(values, 1, -1)), True)
    expected = tf_keras.layers.BatchNormalization(axis=1)(values, training=True).numpy()
    checks.equal("dump: tf_keras, a layer further down", np.array_equal(seen["second/0"], expected), True)
    same = all(np.array_equal(now.numpy(), then) for now, then in zip(model.variables, before, strict=True))
    checks.equal("dump: tf_keras, weights as they were", same, True)
    producer = metadata_of(folder / "000000.safetensors")["producer"]
    checks.equal("dump: tf_keras, producer", producer.split(",")[0], f"tf_keras {tf_keras.__version__}")


def _check_refusals(checks: Checks, folder: Path) -> None:
    model = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(name="norm")])
    dump_activations(model, [np.ones((4, 3))], folder)
    refusals: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
        "a folder with activations": (lambda: dump_activations(model, [], folder), FileExistsError, "already holds 1"),
        "an unknown layer": (
            lambda: dump_activations(model, [], folder / "a", layers=["lost"]),
            ValueError,
            "no BatchNorm layer is named lost; there are norm",
        ),
        "an unknown mode": (lambda: dump_activations(model, [], folder / "b", mode="test"), ValueError, "train, eval"),
        "a model without BatchNormalization": (
            lambda: dump_activations(keras.Sequential([layers.Dense(2)]), [], folder / "c"),
            ValueError,
            "Sequential has no BatchNormalization layer",
        ),
        "a model that is not built": (
            lambda: dump_activations(keras.Sequential([layers.BatchNormalization(name="new")]), [], folder / "d"),
            ValueError,
            "layer new is not built: call the model once",
        ),
    }
    for name, (call, kind, words) in refusals.items():
        checks.refused(f"dump: {name}", call, kind, words)


def _check_program(checks: Checks, folder: Path) -> None:
    folder.mkdir()
    keras.Sequential([keras.Input((3,)), layers.BatchNormalization()]).save(folder / "net.keras")
    (folder / "factories.py").write_text(
        "import keras, numpy\n"
        "def model():\n    return keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization()])\n"
        "def batches():\n    return [numpy.ones((4, 3)), numpy.zeros((2, 3))]\n",
        encoding="utf-8",
    )
    for model, code, output in (
        ("factories.py:model", 0, "2 mini-batches in out-factories.py:model\n"),
        ("net.keras", 0, "2 mini-batches in out-net.keras\n"),
        ("factories.py:lost", 2, ""),
        ("lost.keras", 2, ""),
    ):
        arguments = ["--model", model, "--batches", "factories.py:batches", "--output", f"out-{model}"]
        done = subprocess.run([sys.executable, SCRIPT, *arguments], cwd=folder, capture_output=True, text=True)
        checks.equal(f"dump: the program with {model}", (done.returncode, done.stdout), (code, output))

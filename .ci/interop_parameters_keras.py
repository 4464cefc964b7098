"""The model of the parameter count in Keras: what Keras counts, and what inspect does."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras
from interop_parameters import CHANNELS, CLASSES, EXPECTED, HIDDEN, SIDE, check_counts
from interop_support import Checks, Launcher
from keras import layers


def check_parameters(checks: Checks, launcher: Launcher, folder: Path) -> None:
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(CHANNELS, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            layers.Flatten(),
            layers.Dense(HIDDEN, activation="relu"),
            layers.Dense(CLASSES),
        ]
    )
    counts = (model.count_params(), *(_elements(w) for w in (model.trainable_weights, model.non_trainable_weights)))
    checks.equal("Keras counts", counts, (EXPECTED.total, EXPECTED.trainable, EXPECTED.non_trainable))
    for name in ("model.keras", "model.weights.h5"):
        file = folder / name
        model.save(file) if name.endswith(".keras") else model.save_weights(file)
        check_counts(checks, launcher, f"Keras's {name}", file)


def _elements(weights: Sequence[keras.Variable]) -> int:
    return sum(math.prod(weight.shape) for weight in weights)

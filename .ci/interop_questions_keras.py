"""Keras's fresh layer on ones: it does not train until it is told to, so its first output is 0.9995."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from interop_questions import CHANNELS, POSITIONS, ROWS, FreshLayer, check_fresh_layer
from interop_support import Checks, Launcher

EXPECTED = FreshLayer(0.9995003746877732, 0.0, 0.01, 0.99, 0.9944852985749643)


def check_questions(checks: Checks, launcher: Launcher, folder: Path) -> None:
    ones = np.ones((ROWS, *POSITIONS, CHANNELS))
    layer = keras.layers.BatchNormalization(dtype="float64")
    first = np.unique(layer(ones)).tolist()
    checks.equal("ones, Keras: a fresh layer's first output", first, [EXPECTED.evaluating])
    (evaluating,) = np.unique(layer(ones, training=False)).tolist()
    (training,) = np.unique(layer(ones, training=True)).tolist()
    (again,) = np.unique(layer(ones)).tolist()
    mean, variance = (statistic[0].item() for statistic in layer.get_weights()[-2:])
    seen = FreshLayer(evaluating, training, mean, variance, again)
    arguments = ("--convention", "keras", "--layout", "channels-last")
    check_fresh_layer(checks, launcher, folder, "Keras", seen, EXPECTED, arguments)

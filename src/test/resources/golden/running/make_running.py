#!/usr/bin/env python3
"""Writes what frameworks' own BatchNorm layers hold after one pass in training mode over the golden mini-batches.

    python src/test/resources/golden/running/make_running.py torch      # PyTorch
    python src/test/resources/golden/running/make_running.py keras      # Keras 3 on TensorFlow
    python src/test/resources/golden/running/make_running.py tf_keras   # fused tf.keras

One framework a process: PyTorch and TensorFlow do not get along in one. Reads the mini-batches of
``safetensors/safetensors-*/mini-batches.safetensors`` in the order of their numbers, and writes
``running/<producer>-<version>/expected.json``: for each layer a list of runs, each with the momentum in the
framework's own meaning (null: PyTorch's cumulative average), where it started, and the running mean and variance
that the layer is left with. PyTorch and Keras 3 compute in float64; the fused operator of TensorFlow knows float32 only.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

HERE = Path(__file__).resolve().parent
START = {"fresh": (0.0, 1.0), "model": (3.25, 0.375)}

Runs = list[dict[str, Any]]


def mini_batches() -> dict[str, list[np.ndarray]]:
    (path,) = (HERE.parent / "safetensors").glob("safetensors-*/mini-batches.safetensors")
    layers: dict[str, dict[int, np.ndarray]] = {}
    for name, array in load_file(path).items():
        layer, number = name.rsplit("/", 1)
        layers.setdefault(layer, {})[int(number)] = array
    return {layer: [batches[b] for b in sorted(batches)] for layer, batches in sorted(layers.items())}


def channels_last(batch: np.ndarray) -> np.ndarray:
    return np.moveaxis(batch, 1, -1)


def of_torch(batches: list[np.ndarray]) -> Runs:
    import torch
    from torch import nn

    kinds = {2: nn.BatchNorm1d, 4: nn.BatchNorm2d}
    runs = []
    for momentum in (0.1, 0.25, 0.01, 1.0, 0.0, None):
        for initial, (mean, variance) in START.items():
            layer = kinds[batches[0].ndim](batches[0].shape[1], momentum=momentum).double().train()
            with torch.no_grad():
                layer.running_mean.fill_(mean)
                layer.running_var.fill_(variance)
                for batch in batches:
                    layer(torch.from_numpy(batch).double())
            runs.append(run(momentum, initial, layer.running_mean.numpy(), layer.running_var.numpy()))
    return runs


def of_keras(batches: list[np.ndarray]) -> Runs:
    os.environ["KERAS_BACKEND"] = "tensorflow"
    import keras

    def layer(momentum: float) -> Any:
        return keras.layers.BatchNormalization(momentum=momentum, dtype="float64")

    return of_moving_mean(layer, [channels_last(batch).astype(np.float64) for batch in batches])


def of_tf_keras(batches: list[np.ndarray]) -> Runs:
    import tf_keras

    if batches[0].ndim != 4:
        return []
    return of_moving_mean(
        lambda momentum: tf_keras.layers.BatchNormalization(momentum=momentum, fused=True),
        [channels_last(batch) for batch in batches],
    )


def of_moving_mean(make: Any, batches: list[np.ndarray]) -> Runs:
    runs = []
    for momentum in (0.99, 0.9, 0.5, 0.0, 1.0):
        for initial, (mean, variance) in START.items():
            layer = make(momentum)
            layer.build(batches[0].shape)
            channels = batches[0].shape[-1]
            layer.moving_mean.assign(np.full(channels, mean))
            layer.moving_variance.assign(np.full(channels, variance))
            for batch in batches:
                layer(batch, training=True)
            runs.append(run(momentum, initial, layer.moving_mean.numpy(), layer.moving_variance.numpy()))
    return runs


def run(momentum: float | None, initial: str, mean: np.ndarray, variance: np.ndarray) -> dict[str, Any]:
    start = dict(zip(("mean", "variance"), START[initial], strict=True))
    return {"momentum": momentum, "start": start, "mean": mean.tolist(), "variance": variance.tolist()}


def main() -> None:
    producer = sys.argv[1]
    runs = {"torch": of_torch, "keras": of_keras, "tf_keras": of_tf_keras}[producer]
    layers = {layer: found for layer, batches in mini_batches().items() if (found := runs(batches))}
    version = __import__(producer).__version__.split("+")[0]
    folder = HERE / f"{producer}-{version}"
    folder.mkdir(exist_ok=True)
    (folder / "expected.json").write_text(json.dumps({"layers": layers}, indent=1) + "\n")


if __name__ == "__main__":
    main()

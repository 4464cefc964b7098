"""Files that Keras writes, in inspect, convert and the kernel; what we make of them, in Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from interop_keras_model import batch_norms, many_norms
from interop_moving_average import statistics_of
from interop_support import Checks, Launcher, layers_of, worst_ulp

SEED = 43
# One of each kind of affine parameters, one by its path, one on dense activations.
EVALUATED = ("stem_norm", "inner_unscaled", "block_uncentred", "block_listed", "layers/block/norm", "flat")


def check_files(checks: Checks, launcher: Launcher, folder: Path) -> None:
    model = many_norms()
    for name in ("net.keras", "net.weights.h5"):
        file = folder / name
        model.save(file) if name.endswith(".keras") else model.save_weights(file)
        listed = layers_of(launcher.inspect(file))
        channels = {layer: norm.moving_mean.shape[0] for layer, norm in batch_norms(model).items()}
        checks.equal(f"files: Keras's {name}: layers", {k: v["channels"] for k, v in listed.items()}, channels)
        output = folder / f"of-{name}.safetensors"
        launcher.run("convert", file, output)
        for layer, norm in batch_norms(model).items():
            seen = statistics_of(output, layer)
            same = all(
                np.array_equal(ours, theirs)
                for ours, theirs in zip((seen.mean, seen.variance), norm.get_weights()[-2:], strict=True)
            )
            checks.equal(f"files: Keras's {name}: {layer} after convert", same, True)


def check_eval(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """The local kernel by Keras's own weights file, against the layer in float64."""
    model = many_norms()
    weights = folder / "net.weights.h5"
    model.save_weights(weights)
    generator = np.random.default_rng(SEED)
    for name in EVALUATED:
        layer = batch_norms(model)[name]
        channels = layer.moving_mean.shape[0]
        shape = (9, channels) if name == "flat" else (4, 8, 8, channels)
        activations = generator.normal(1, 3, shape).astype(np.float32)
        source, target = folder / "in.npy", folder / "out.npy"
        np.save(source, activations)
        target.unlink(missing_ok=True)
        files = ("--checkpoint", weights, "--layer", name, "--layout", "channels-last", source, target)
        launcher.run("eval", *files)
        exact = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
        exact.build(shape)
        exact.set_weights(layer.get_weights())
        expected = exact(activations, training=False).numpy().astype(np.float32)
        checks.at_most(f"eval: Keras's {name}, ulp of float32", worst_ulp(np.load(target), expected), 1)

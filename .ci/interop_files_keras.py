"""Files that Keras writes, in inspect, convert and the kernel; what we make of them, in Keras."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from interop_keras_model import batch_norms, many_norms
from interop_moving_average import statistics_of
from interop_support import Checks, Launcher, layers_of, worst_ulp

SEED = 43
# One of each kind of affine parameters, one by its path, one with an epsilon of its own, one on dense activations.
EVALUATED = ("stem_norm", "inner_unscaled", "block_listed", "layers/block/norm", "plain", "flat")
# What has one of gamma and beta goes by the configuration in .keras, which does not reach into layers of a user's own.
UNKNOWN = {"net.weights.h5": "inner_unscaled", "net.keras": "block_uncentred"}


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
    """The local kernel by Keras's own files, against the layer in float64."""
    model = many_norms()
    model.save(folder / "net.keras")
    model.save_weights(folder / "net.weights.h5")
    generator = np.random.default_rng(SEED)
    for name in EVALUATED:
        layer = batch_norms(model)[name]
        channels = layer.moving_mean.shape[0]
        shape = (9, channels) if name == "flat" else (4, 8, 8, channels)
        activations = generator.normal(1, 3, shape).astype(np.float32)
        exact = type(layer).from_config({**layer.get_config(), "dtype": "float64"})
        exact.build(shape)
        exact.set_weights(layer.get_weights())
        expected = exact(activations, training=False).numpy().astype(np.float32)
        source, target = folder / "in.npy", folder / "out.npy"
        np.save(source, activations)
        target.unlink(missing_ok=True)
        arguments = ("--layer", name, "--layout", "channels-last", source, target)
        launcher.run("eval", "--checkpoint", folder / "net.keras", *arguments)
        checks.at_most(f"eval: Keras's {name}, ulp of float32", worst_ulp(np.load(target), expected), 1)
    for file, name in UNKNOWN.items():
        files = (folder / "in.npy", folder / "unknown.npy")
        code, words = launcher.fails("eval", "--checkpoint", folder / file, "--layer", name, *files)
        refused = (code, "AFFINE_UNKNOWN" in words, files[1].exists())
        checks.equal(f"eval: Keras's {name} by {file}, which does not say all, is refused", refused, (3, True, False))

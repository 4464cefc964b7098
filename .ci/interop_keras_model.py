"""The Keras model of the checks: twelve BatchNormalization layers, wherever Keras lets them be."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

SEED = 11
BATCH_ROWS = (6, 4, 5)
SHAPE = (8, 8, 3)


@keras.saving.register_keras_serializable("interop")
class Block(layers.Layer):
    """A residual block with layers in attributes, in a list, and in a dict within it."""

    def __init__(self, filters: int, **options: Any) -> None:
        super().__init__(**options)
        self.filters = filters
        self.norm = layers.BatchNormalization(name="norm")
        self.uncentred = layers.BatchNormalization(center=False, name="block_uncentred")
        self.pipeline = [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(center=False, scale=False, name="block_listed"),
            {"deep": layers.BatchNormalization(name="block_deep")},
        ]

    def build(self, shape: tuple[int | None, ...]) -> None:
        convolution, listed, more = self.pipeline
        inside = (*shape[:-1], self.filters)
        for layer, built_for in (
            (self.norm, shape),
            (self.uncentred, shape),
            (convolution, shape),
            (listed, inside),
            (more["deep"], inside),
        ):
            layer.build(built_for)

    def call(self, hidden: Any) -> Any:
        convolution, listed, more = self.pipeline
        hidden = keras.ops.relu(self.uncentred(self.norm(hidden)))
        return more["deep"](listed(convolution(hidden)))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "filters": self.filters}


def _inner_model(frozen: bool) -> keras.Model:
    inputs = keras.Input((8, 8, 4))
    hidden = layers.BatchNormalization(name="norm")(inputs)
    hidden = layers.Conv2D(5, 3, padding="same")(hidden)
    hidden = layers.BatchNormalization(scale=False, name="inner_unscaled")(hidden)
    hidden = layers.ReLU()(hidden)
    hidden = layers.BatchNormalization(name="inner_frozen", trainable=not frozen)(hidden)
    return keras.Model(inputs, hidden, name="inner")


def many_norms(frozen: bool = True) -> keras.Model:
    """Built, its weights and moving statistics drawn from SEED; frozen means a part of it, as in transfer learning."""
    keras.utils.set_random_seed(SEED)
    inputs = keras.Input(SHAPE)
    hidden = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    hidden = layers.BatchNormalization(name="stem_norm")(hidden)
    hidden = layers.Dropout(0.2)(hidden)
    hidden = _inner_model(frozen)(hidden, training=False if frozen else None)
    hidden = Block(6, name="block")(hidden)
    shared = layers.BatchNormalization(name="shared", momentum=0.9)
    hidden = shared(layers.AveragePooling2D(2)(shared(hidden)))
    hidden = layers.BatchNormalization(name="on_axis_1", axis=1)(hidden)
    hidden = layers.BatchNormalization(name="plain", epsilon=1e-5)(layers.ReLU()(hidden))
    hidden = layers.BatchNormalization(name="flat")(layers.Dense(7)(layers.Flatten()(hidden)))
    model = keras.Model(inputs, layers.Dense(3)(hidden))
    draw_weights(model)
    return model


def batch_norms(model: keras.Model) -> dict[str, layers.BatchNormalization]:
    """The layers by the names that scripts/dump_activations_keras.py gives them; two are called "norm"."""
    found = [layer for layer in model._flatten_layers() if isinstance(layer, layers.BatchNormalization)]
    named = {layer.name: layer for layer in found if layer.name != "norm"}
    named["layers/functional/layers/batch_normalization"] = model.get_layer("inner").get_layer("norm")
    named["layers/block/norm"] = model.get_layer("block").norm
    return named


def draw_weights(model: keras.Model) -> None:
    """Weights and moving statistics of the layers away from where they start."""
    generator = np.random.default_rng(SEED)
    for layer in batch_norms(model).values():
        for weight in layer.weights:
            weight.assign(generator.uniform(0.5, 1.5, weight.shape))


def mini_batches() -> list[np.ndarray]:
    generator = np.random.default_rng(SEED)
    return [generator.normal(0.5, 2, (rows, *SHAPE)).astype(np.float32) for rows in BATCH_ROWS]

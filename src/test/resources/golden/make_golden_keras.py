#!/usr/bin/env python3
"""Writes the Keras models beside it: real files of Keras 3, and what Keras itself says is in them.

    python src/test/resources/golden/make_golden_keras.py

Each model is saved whole (``.keras``) and as its weights alone (``.weights.h5``). ``expected.json`` holds the counts
of ``model.weights``, and every BatchNormalization layer with its settings and the values of its variables.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import h5py
import keras
import numpy as np
from keras import layers

HERE = Path(__file__).resolve().parent
FOLDER = HERE / "keras" / f"keras-{keras.__version__}"
SEED = 1502_03167

Json = dict[str, Any]


# The models


def sequential() -> keras.Model:
    """All four kinds of layer, others with vectors, an optimizer that has taken a step."""
    model = keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(name="stem"),
            layers.Dropout(0.5),
            layers.BatchNormalization(scale=False),
            layers.BatchNormalization(center=False),
            layers.BatchNormalization(center=False, scale=False),
            layers.LayerNormalization(),
            layers.Flatten(),
            layers.Normalization(),
            layers.Dense(2),
        ],
        name="plain",
    )
    model.compile("adam", "mse")
    model.fit(np.zeros((2, 6, 6, 1)), np.zeros((2, 2)), verbose=0)
    return model


def functional() -> keras.Model:
    """Models inside models, two layers of one name, a frozen one, one that renormalizes, nine in a row."""
    inner = keras.Sequential([keras.Input((3,)), layers.BatchNormalization(name="bn")], name="inner")
    middle_input = keras.Input((3,))
    middle = keras.Model(
        middle_input, layers.BatchNormalization(name="bn", scale=False)(inner(middle_input)), name="middle"
    )
    model_input = keras.Input((2, 3))
    x = layers.GRU(3)(model_input)
    x = middle(x)
    x = layers.BatchNormalization(renorm=True)(x)
    x = layers.BatchNormalization(trainable=False, name="frozen")(x)
    for i in range(9):
        x = layers.BatchNormalization(name=f"row{i}", epsilon=1e-5)(x)
    return keras.Model(model_input, layers.Dense(1)(x), name="outer")


@keras.saving.register_keras_serializable("golden")
class Block(layers.Layer):
    """A layer of layers, among them one that only its attribute's name or its own could tell."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dense = layers.Dense(3)
        self.norm = layers.BatchNormalization()
        self.bare = layers.BatchNormalization(scale=False, center=False)
        self.called = layers.BatchNormalization(scale=False, center=False, name="called")

    def build(self, shape: tuple[int, ...]) -> None:
        for layer in (self.dense, self.norm, self.bare, self.called):
            layer.build((*shape[:-1], 3))

    def call(self, x: Any) -> Any:
        return self.called(self.bare(self.norm(self.dense(x))))


@keras.saving.register_keras_serializable("golden")
class Subclassed(keras.Model):
    """Attributes, lists, dicts, two layers of one name, two types."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.stem = layers.Dense(3)
        self.norm = layers.BatchNormalization()
        self.blocks = [Block(), layers.BatchNormalization(name="twice"), layers.BatchNormalization()]
        self.by_name = {"x": layers.BatchNormalization(name="twice")}
        self.wide = layers.BatchNormalization(dtype="float64")

    def call(self, x: Any) -> Any:
        x = self.norm(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return self.wide(self.by_name["x"](x))


def subclassed() -> keras.Model:
    model = Subclassed(name="own")
    model(np.zeros((1, 2), "float32"))
    return model


def of_type(policy: str) -> keras.Model:
    """A small model whose layers all have this policy."""
    return keras.Sequential(
        [keras.Input((2,)), layers.Dense(3, dtype=policy), layers.BatchNormalization(dtype=policy)], name=policy
    )


def counted() -> keras.Model:
    """The model of the question why Keras counts more parameters than PyTorch."""
    return keras.Sequential(
        [
            keras.Input((128, 128, 1)),
            layers.Conv2D(32, 3, activation="relu", padding="same"),
            layers.BatchNormalization(),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(100, activation="relu"),
            layers.Dense(10),
        ]
    )


MODELS = {
    "sequential": sequential,
    "functional": functional,
    "subclassed": subclassed,
    "mixed_float16": lambda: of_type("mixed_float16"),
    "float16": lambda: of_type("float16"),
    "bfloat16": lambda: of_type("bfloat16"),
    "float64": lambda: of_type("float64"),
}


# What is in them


def randomize(model: keras.Model) -> None:
    """Other values than those of a fresh layer, all different."""
    rng = np.random.default_rng(SEED)
    for weight in model.weights:
        if "float" in str(weight.dtype):
            weight.assign(rng.uniform(0.5, 2.0, weight.shape))


def batch_norms(layer: Any, seen: set[int]) -> list[layers.BatchNormalization]:
    """All such layers of a model, however it holds them."""
    found = []
    for inner in layer._flatten_layers(include_self=False, recursive=False):
        if id(inner) not in seen:
            seen.add(id(inner))
            found += [inner] if isinstance(inner, layers.BatchNormalization) else batch_norms(inner, seen)
    return found


def described(model: keras.Model) -> Json:
    def size(weights: list[Any]) -> int:
        return sum(int(np.prod(weight.shape)) for weight in weights)

    def values(weight: Any) -> list[float] | None:
        return None if weight is None else keras.ops.convert_to_numpy(weight).astype("float64").tolist()

    return {
        "counts": {
            "total": model.count_params(),
            "trainable": size(model.trainable_weights),
            "nonTrainable": size(model.non_trainable_weights),
        },
        "layers": [
            {
                "name": layer.name,
                "dtype": str(layer.variable_dtype),
                "epsilon": layer.epsilon,
                "renorm": layer.renorm,
                "gamma": values(layer.gamma),
                "beta": values(layer.beta),
                "mean": values(layer.moving_mean),
                "variance": values(layer.moving_variance),
            }
            for layer in batch_norms(model, set())
        ],
    }


def rewritten(path: Path, target_path: Path, write: Callable[[h5py.Group, str, h5py.Dataset], None]) -> None:
    """The same groups and datasets, each dataset written by a function."""
    with h5py.File(path) as source, h5py.File(target_path, "w") as target:

        def copy(name: str, node: h5py.Group | h5py.Dataset) -> None:
            if isinstance(node, h5py.Group):
                target.create_group(name).attrs.update(node.attrs)
            else:
                write(target, name, node)

        source.visititems(copy)


def without_values(target: h5py.Group, name: str, dataset: h5py.Dataset) -> None:
    """Large ones without their elements, which HDF5 then keeps no room for."""
    if dataset.size > 1 << 12:
        target.create_dataset(name, dataset.shape, dataset.dtype)
    else:
        target[name] = dataset[()]


def compressed(target: h5py.Group, name: str, dataset: h5py.Dataset) -> None:
    target.create_dataset(name, data=dataset[()], compression="gzip", shuffle=True)


def big_endian(target: h5py.Group, name: str, dataset: h5py.Dataset) -> None:
    target.create_dataset(name, data=dataset[()].astype(">f8"))


def compact(target: h5py.Group, name: str, dataset: h5py.Dataset) -> None:
    """Inside the object header."""
    options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    options.set_layout(h5py.h5d.COMPACT)
    space = h5py.h5s.create_simple(dataset.shape)
    links = h5py.h5p.create(h5py.h5p.LINK_CREATE)
    links.set_create_intermediate_group(True)
    written = h5py.h5d.create(target.id, name.encode(), dataset.id.get_type(), space, dcpl=options, lcpl=links)
    written.write(h5py.h5s.ALL, h5py.h5s.ALL, dataset[()])


def main() -> None:
    keras.utils.set_random_seed(SEED)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    expected: Json = {}
    for name, make in MODELS.items():
        model = make()
        randomize(model)
        model.save(FOLDER / f"{name}.keras")
        model.save_weights(FOLDER / f"{name}.weights.h5")
        expected[name] = described(model)
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / "counted.weights.h5"
        model = counted()
        model.save_weights(whole)
        rewritten(whole, FOLDER / "counted.weights.h5", without_values)
        expected["counted"] = described(model)
        for write in (compressed, big_endian, compact):
            name = write.__name__.replace("_", "-")
            rewritten(FOLDER / "float64.weights.h5", FOLDER / f"float64-{name}.weights.h5", write)
        legacy = sequential()
        legacy.save(Path(folder) / "legacy.h5")
        shutil.copy(Path(folder) / "legacy.h5", FOLDER / "legacy.weights.h5")
    text = json.dumps({"producer": f"keras {keras.__version__}", "models": expected})
    # A layer a line.
    (FOLDER / "expected.json").write_text(text.replace('{"name"', '\n{"name"') + "\n", encoding="utf-8")
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    largest = max(sizes, key=sizes.get)
    print(f"{len(sizes)} files, {sum(sizes.values()):,} bytes; the largest is {largest}, {sizes[largest]:,} bytes")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Records what enters the BatchNormalization layers of a Keras model, one safetensors file per mini-batch.

From Python:

    from dump_activations_keras import dump_activations
    dump_activations(model, dataset, "activations/")

As a program, where the factories are functions of yours that take no arguments, or the model is a .keras file:

    scripts/dump_activations_keras.py --model my_net.keras --batches my_net.py:dataset --output activations/

Then recompute the moving statistics from the folder, and put them into the model:

    scripts/spark-batchnorm recalibrate --input activations/ --layout channels-last \
        --model my_net.keras --output recalibrated.keras

Keras 3 on any backend; models of tf_keras on TensorFlow, too. Needs only keras, numpy and safetensors, and
activation_recording.py beside it.
"""

from __future__ import annotations

import collections
import contextlib
import inspect
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
from activation_recording import (
    CannotRecordError,
    Recording,
    checked_mode,
    chosen_layers,
    folder_without_activations,
    load_object,
    run_program,
)
from safetensors.numpy import save_file

# Of Keras or of tf_keras, which is not imported unless the model comes from it.
Layer = Any


def dump_activations(
    model: Layer,
    batches: Iterable[Any],
    folder: str | os.PathLike[str],
    *,
    mode: str = "train",
    layers: Sequence[str] | None = None,
) -> int:
    """Writes the input of every BatchNormalization layer, for every mini-batch, and returns the number of mini-batches.

    Mini-batch ``b`` becomes ``<folder>/<b, 6 digits>.safetensors`` with the tensors ``<layer name>/<b>`` in the dtype
    that the layer was given. Layers count wherever they are: in nested models, in attributes and lists of subclassed
    ones. Where two of them have the same name both go by their paths in the weights file instead
    (``layers/functional/layers/batch_normalization``).

    Every tensor has its channels last, as ``layout`` in ``__metadata__`` says, so that ``--layout channels-last`` is
    right for all: where a layer's ``axis`` is another, it was moved to the end, and ``__metadata__`` has it under
    ``axis`` (JSON: layer -> axis). Where a mask came with the input, only what it lets through is written, as [n, C].
    ``mode`` and ``producer``, the versions of Keras and its backend, are there, too.

    Mode ``train`` calls the model with ``training=True``, dropout included, and every BatchNormalization normalizes by
    its mini-batch: also one with ``trainable = False``, or inside a model that is called with ``training=False``. Mode
    ``eval`` uses ``training=False``: the layers then normalize by the moving statistics they hold, so it is right only
    for layers with no BatchNormalization upstream.

    A layer that is called k times in one forward has seen k mini-batches, each a tensor of its own; the surplus calls
    push up the numbers that follow for this layer (twice a forward: ``/0 /1``, then ``/2 /3``).

    The model is left as it was, also after an exception: weights, seeds of dropout, trainable flags, and the layers'
    ``call``, which is wrapped meanwhile. Beside the model, memory holds one mini-batch's activations and a copy of the
    weights that are not trainable. A file gets its name when it is complete.

    Args:
        model: built; any layer will do. It is called directly, never compiled.
        batches: what ``fit`` takes, batch by batch: inputs, or tuples (inputs, targets, ...). A ``tf.data.Dataset``, a
            ``PyDataset``, a list.
        folder: is made if missing; must not hold safetensors files yet.
        mode: ``train`` or ``eval``.
        layers: names (or paths) of the layers to record; all of them if None.

    Raises:
        CannotRecordError: (a ValueError) if the mode or a layer is unknown, the model has no BatchNormalization layer
            or is not built, a layer normalizes several axes, is called where only a graph is being traced, or gets a
            mask for channels that are not last; or if a mini-batch reached none of the layers, or there is none.
        FileExistsError: if the folder holds safetensors files.
    """
    metadata = _metadata(model, checked_mode(mode))
    available = _batch_norms(model)
    watched = chosen_layers(available, layers)
    _refuse_unbuilt(model, watched)
    axes = {name: axis for name, layer in watched.items() if (axis := _single_axis(name, layer)) != _last_axis(layer)}
    if axes:
        metadata["axis"] = json.dumps(axes)
    recording = Recording(
        folder_without_activations(folder),
        lambda tensors, file: save_file(tensors, file, metadata=metadata),
        "only layers that the model calls can be recorded",
    )
    training = mode == "train"
    with _left_as_it_was(model, [*available.values()]), _eagerly(), contextlib.ExitStack() as calls:
        for name, layer in available.items():
            calls.enter_context(_wrapped_call(layer, training, _listener(name, watched, recording)))
            layer.trainable = training or layer.trainable
        for number, batch in enumerate(_each(batches)):
            recording.begin(number)
            model(_model_input(batch), training=training)
            recording.write()
    return recording.finish()


def _metadata(model: Layer, mode: str) -> dict[str, str]:
    backend = keras.backend.backend()
    producers = [keras if isinstance(model, keras.layers.Layer) else sys.modules["tf_keras"], sys.modules.get(backend)]
    return {
        "mode": mode,
        "layout": "channels-last",
        "producer": ", ".join(f"{module.__name__} {module.__version__}" for module in producers if module is not None),
    }


def _batch_norms(model: Layer) -> dict[str, Layer]:
    """Name, or path in a weights file where the name is not the only one of its kind, -> layer."""
    families = [module for module in (keras, sys.modules.get("tf_keras")) if module is not None]
    kinds = tuple(module.layers.BatchNormalization for module in families)
    layers = list({id(layer): layer for layer in model._flatten_layers() if isinstance(layer, kinds)}.values())
    if not layers:
        raise CannotRecordError(f"{type(model).__name__} has no BatchNormalization layer")
    seen = collections.Counter(layer.name for layer in layers)
    paths = _paths_in_weights_file(model) if len(seen) < len(layers) else {}
    return {layer.name if seen[layer.name] == 1 else paths[id(layer)]: layer for layer in layers}


def _paths_in_weights_file(model: Layer) -> dict[int, str]:
    """Id of everything that a weights file of the model has a group for -> path of the group."""
    # Private, but what decides the paths; needed only where names are not enough.
    from keras.src.saving.keras_saveable import KerasSaveable
    from keras.src.saving.saving_lib import _walk_saveable
    from keras.src.utils.naming import to_snake_case

    if not isinstance(model, KerasSaveable):
        raise CannotRecordError("several BatchNormalization layers have the same name: give each its own")
    visited: dict[int, tuple[str, Any]] = {}

    def members(container: Any) -> Iterator[tuple[str, Any]]:
        used: collections.Counter[str] = collections.Counter()
        for member in container.values() if isinstance(container, dict) else container:
            name = to_snake_case(type(member).__name__) if isinstance(member, KerasSaveable) else "container"
            yield f"{name}_{used[name]}" if used[name] else name, member
            used[name] += isinstance(member, (KerasSaveable, list, dict, tuple))

    def visit(node: Any, path: str) -> None:
        if id(node) in visited:
            return
        visited[id(node)] = path, node
        for name, child in _walk_saveable(node) if isinstance(node, KerasSaveable) else members(node):
            if isinstance(child, (KerasSaveable, list, dict, tuple)):
                visit(child, f"{path}/{name}" if path else name)

    visit(model, "")
    return {key: path for key, (path, _) in visited.items()}


def _refuse_unbuilt(model: Layer, layers: Mapping[str, Layer]) -> None:
    """The first call of a layer that is not built makes its weights, and may make more layers."""
    unbuilt = [f"layer {name}" for name, layer in layers.items() if not layer.built]
    if not model.built or unbuilt:
        raise CannotRecordError(
            f"{', '.join(unbuilt) or 'the model'} is not built: call the model once on a mini-batch before recording it"
        )


def _single_axis(name: str, layer: Layer) -> int:
    """The axis of the channels; tf_keras has a list of them."""
    axes = [layer.axis] if isinstance(layer.axis, int) else list(layer.axis)
    if len(axes) != 1:
        raise CannotRecordError(f"layer {name} normalizes the axes {axes}, expected one")
    return axes[0]


def _last_axis(layer: Layer) -> int:
    return -1 if _single_axis(layer.name, layer) < 0 else layer.input_spec.ndim - 1


def _listener(name: str, watched: Mapping[str, Layer], recording: Recording) -> Callable[[Any, Any], None]:
    """Records the input and the mask of a layer that is watched."""
    if name not in watched:
        return lambda inputs, mask: None
    layer = watched[name]
    axis = _single_axis(name, layer)

    def listen(inputs: Any, mask: Any) -> None:
        values = _to_numpy(name, inputs)
        if mask is not None:
            if axis != _last_axis(layer):
                raise CannotRecordError(f"layer {name} has a mask, and its channels on axis {axis}, expected the last")
            values = values[np.broadcast_to(_to_numpy(name, mask).astype(bool), values.shape[:-1])]
        # A copy: what follows in the forward may change the tensor in place.
        recording.add(name, np.array(np.moveaxis(values, axis, -1), order="C"))

    return listen


def _to_numpy(name: str, tensor: Any) -> np.ndarray:
    try:
        return np.asarray(keras.ops.convert_to_numpy(tensor))
    except (NotImplementedError, TypeError) as error:
        raise CannotRecordError(f"layer {name} is called where a graph is traced: no values to record") from error


@contextlib.contextmanager
def _wrapped_call(layer: Layer, training: bool, listen: Callable[[Any, Any], None]) -> Iterator[None]:
    """The layer's ``call`` runs in this mode, whatever its caller says, and after ``listen``."""
    call = layer.call
    signature = inspect.signature(call)

    def listened(*args: Any, **kwargs: Any) -> Any:
        bound = signature.bind(*args, **kwargs)
        if "training" in signature.parameters:
            bound.arguments["training"] = training
        listen(next(iter(bound.arguments.values())), bound.arguments.get("mask"))
        return call(*bound.args, **bound.kwargs)

    # Past __setattr__, which keeps track of what is set.
    attributes = vars(layer)
    before = attributes.get("call")
    attributes["call"] = listened
    try:
        yield
    finally:
        if before is None:
            del attributes["call"]
        else:
            attributes["call"] = before


@contextlib.contextmanager
def _left_as_it_was(model: Layer, layers: Sequence[Layer]) -> Iterator[None]:
    """Puts back the trainable flags of the layers, and every weight that training changes without an optimizer."""
    flags = [(layer, layer.trainable) for layer in layers]
    weight_flags = [(weight, weight.trainable) for layer in layers for weight in layer.weights]
    kept = [(variable, keras.ops.convert_to_numpy(variable)) for variable in model.non_trainable_variables]
    try:
        yield
    finally:
        for variable, values in kept:
            variable.assign(values)
        for layer, flag in flags:
            layer.trainable = flag
        for weight, flag in weight_flags:
            if weight.trainable != flag:
                weight.trainable = flag


@contextlib.contextmanager
def _eagerly() -> Iterator[None]:
    """Lets functions that TensorFlow has compiled run line by line, and PyTorch keep no gradients."""
    with contextlib.ExitStack() as settings:
        backend = sys.modules.get(keras.backend.backend())
        if keras.backend.backend() == "tensorflow":
            settings.callback(backend.config.run_functions_eagerly, backend.config.functions_run_eagerly())
            backend.config.run_functions_eagerly(True)
        elif keras.backend.backend() == "torch":
            settings.enter_context(backend.no_grad())
        yield


def _each(batches: Iterable[Any]) -> Iterable[Any]:
    if isinstance(batches, keras.utils.PyDataset):
        return (batches[number] for number in range(len(batches)))
    return batches


def _model_input(batch: Any) -> Any:
    """The inputs of what ``fit`` takes as a batch."""
    return batch[0] if isinstance(batch, (list, tuple)) else batch


def _load_model(reference: str) -> Layer:
    if reference.endswith(".keras"):
        if not os.path.isfile(reference):
            raise CannotRecordError(f"{reference}: no such file")
        return keras.saving.load_model(reference, compile=False)
    found = load_object(reference)
    return found() if isinstance(found, type) or not hasattr(found, "_flatten_layers") else found


def main(arguments: Sequence[str] | None = None) -> None:
    model_kind = "returns the keras.Model, built and weights loaded; or a .keras file"
    run_program(arguments, "Keras", model_kind, _load_model, dump_activations)


if __name__ == "__main__":
    main()

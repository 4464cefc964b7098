#!/usr/bin/env python3
"""Records what enters the BatchNorm layers of a PyTorch model, one safetensors file per mini-batch.

From Python:

    from dump_activations_torch import dump_activations
    dump_activations(model, loader, "activations/")

As a program, where the two factories are functions of yours that take no arguments:

    scripts/dump_activations_torch.py --model my_net.py:build --batches my_net.py:loader --output activations/

Then recompute the running statistics from the folder:

    scripts/spark-batchnorm recalibrate --input activations/ --output running-stats.safetensors

Needs only torch and safetensors, and activation_recording.py beside it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import torch
from activation_recording import (
    CannotRecordError,
    Recording,
    checked_mode,
    chosen_layers,
    folder_without_activations,
    load_object,
    run_program,
)
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy


def dump_activations(
    model: nn.Module,
    batches: Iterable[Any],
    folder: str | os.PathLike[str],
    *,
    mode: str = "train",
    layers: Sequence[str] | None = None,
) -> int:
    """Writes the input of every BatchNorm layer, for every mini-batch, and returns the number of mini-batches.

    Mini-batch ``b`` becomes ``<folder>/<b, 6 digits>.safetensors`` with the tensors ``<module name>/<b>`` in the
    dtype and shape that the layer was given (channels on axis 1), and ``mode`` in ``__metadata__``. BatchNorm1d,
    2d, 3d and SyncBatchNorm count, wherever they are nested; a module that the model holds under two names goes by
    the first.

    Mode ``train`` is what the frameworks' own recalibration (``torch.optim.swa_utils.update_bn``) does:
    ``model.train()`` for the whole model, dropout included, so that every layer sees what it sees in training, and
    every BatchNorm normalizes by its mini-batch - also one that the model's own ``train()`` keeps frozen. Mode
    ``eval`` calls ``model.eval()``: BatchNorm layers then normalize by the running statistics they hold, so it is
    right only for layers with no BatchNorm upstream.

    A layer that is called k times in one forward has seen k mini-batches: ``update_bn`` counts them so, and their
    shapes may differ (a detection head over several scales). Each is a tensor of its own; the surplus calls push up
    the numbers that follow for this layer (twice a forward: ``/0 /1``, then ``/2 /3``), so no key comes twice.

    The model is left as it was, also after an exception: the training flag of every module, every buffer (also those
    of other modules that change while training) and the hooks. No gradients are computed; memory beside the model's
    is one mini-batch's activations. A file gets its name when it is complete, so a run that was killed leaves only
    complete files and one whose name begins with a dot.

    Args:
        model: on any device; the input is moved to it if the model lies on one device only.
        batches: tensors, or tuples, lists or dicts whose first element is the tensor that the model takes.
        folder: is made if missing; must not hold safetensors files yet.
        mode: ``train`` or ``eval``.
        layers: names of the BatchNorm modules to record; all of them if None.

    Raises:
        CannotRecordError: (a ValueError) if the mode or a layer is unknown, the model has no BatchNorm layer or is
            one itself, a lazy module has not been run yet, a mini-batch reached none of the layers, or there is none.
        FileExistsError: if the folder holds safetensors files.
    """
    metadata = {"mode": checked_mode(mode)}
    _refuse_lazy_modules(model)
    watched = _watched_layers(model, layers)
    recording = Recording(
        folder_without_activations(folder),
        lambda tensors, file: save_file(tensors, file, metadata=metadata),
        "a model from torch.compile must be given as it was before compiling",
    )
    device = _only_device(model)
    with _left_as_it_was(model), _recorded(watched, recording):
        _switch(model, mode)
        for number, batch in enumerate(batches):
            recording.begin(number)
            with torch.no_grad():
                model(_model_input(batch, device))
            recording.write()
    return recording.finish()


@contextlib.contextmanager
def _recorded(layers: Mapping[str, nn.Module], recording: Recording) -> Iterator[None]:
    """Listens to these layers, after every hook that they have already."""
    with contextlib.ExitStack() as hooks:
        for name, layer in layers.items():
            handle = layer.register_forward_pre_hook(_hook_for(name, recording), with_kwargs=True)
            hooks.callback(handle.remove)
        yield


def _hook_for(name: str, recording: Recording) -> Any:
    def record(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        activations = args[0] if args else kwargs["input"]
        # A copy: what follows in the forward may change the tensor in place.
        recording.add(name, activations.detach().to("cpu", copy=True, memory_format=torch.contiguous_format))

    return record


def _watched_layers(model: nn.Module, names: Sequence[str] | None) -> dict[str, nn.Module]:
    available = {name: module for name, module in model.named_modules() if isinstance(module, _BatchNorm)}
    if "" in available:
        raise CannotRecordError("the model itself is a BatchNorm layer and has no name: wrap it in torch.nn.Sequential")
    if not available:
        raise CannotRecordError(f"{type(model).__name__} has no BatchNorm layer")
    return chosen_layers(available, names)


def _only_device(model: nn.Module) -> torch.device | None:
    """The device of all parameters and buffers, None if they lie on several."""
    devices = {tensor.device for tensor in (*model.parameters(), *model.buffers())}
    return devices.pop() if len(devices) == 1 else None


def _refuse_lazy_modules(model: nn.Module) -> None:
    """The first forward of a lazy module changes it for good."""
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise CannotRecordError(f"{name} has no shape yet: run the model once on a mini-batch before recording it")


@contextlib.contextmanager
def _left_as_it_was(model: nn.Module) -> Iterator[None]:
    """Puts training flags and buffers back, each buffer as the same object with the same values."""
    training = [(module, module.training) for module in model.modules()]
    buffers = [
        (module, name, buffer, None if buffer is None else buffer.detach().clone())
        for module in model.modules()
        for name, buffer in module._buffers.items()
    ]
    try:
        yield
    finally:
        with torch.no_grad():
            for module, name, buffer, values in buffers:
                module._buffers[name] = buffer
                if buffer is not None:
                    buffer.copy_(values)
        for module, flag in training:
            module.training = flag


def _switch(model: nn.Module, mode: str) -> None:
    model.train(mode == "train")
    if mode == "train":
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.training = True


def _model_input(batch: Any, device: torch.device | None) -> Any:
    """What the model takes: the batch, or its first element."""
    if isinstance(batch, Mapping):
        batch = next(iter(batch.values()))
    elif isinstance(batch, (list, tuple)):
        batch = batch[0]
    return batch.to(device) if device is not None and isinstance(batch, torch.Tensor) else batch


def _load_model(reference: str) -> nn.Module:
    found = load_object(reference)
    return found if isinstance(found, nn.Module) else found()


def main(arguments: Sequence[str] | None = None) -> None:
    run_program(arguments, "PyTorch", "returns the torch.nn.Module, weights loaded", _load_model, dump_activations)


if __name__ == "__main__":
    main()

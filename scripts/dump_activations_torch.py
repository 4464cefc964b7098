#!/usr/bin/env python3
"""Records what enters the BatchNorm layers of a PyTorch model, one safetensors file per mini-batch.

From Python:

    from dump_activations_torch import dump_activations
    dump_activations(model, loader, "activations/")

As a program, where the two factories are functions of yours that take no arguments:

    scripts/dump_activations_torch.py --model my_net.py:build --batches my_net.py:loader --output activations/

Then recompute the running statistics from the folder:

    scripts/spark-batchnorm recalibrate --input activations/ --output running-stats.safetensors

Needs only torch and safetensors.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parameter import is_lazy

MODES = ("train", "eval")


class CannotRecordError(ValueError):
    """What was asked for does not fit the model or the mini-batches."""


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
            one itself, a lazy module has not been run yet, or a mini-batch reached none of the layers.
        FileExistsError: if the folder holds safetensors files.
    """
    if mode not in MODES:
        raise CannotRecordError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    _refuse_lazy_modules(model)
    watched = _watched_layers(model, layers)
    folder = _folder_without_activations(Path(folder))
    device = _only_device(model)
    recorder = _Recorder(mode)
    written = 0
    with _left_as_it_was(model), recorder.attached_to(watched):
        _switch(model, mode)
        for number, batch in enumerate(batches):
            recorder.begin(number)
            with torch.no_grad():
                model(_model_input(batch, device))
            recorder.write(folder)
            written += 1
    return written


class _Recorder:
    """Collects the layers' inputs during one forward, and writes them."""

    def __init__(self, mode: str) -> None:
        self._metadata = {"mode": mode}
        self._batch = 0
        self._tensors: dict[str, torch.Tensor] = {}
        self._calls: dict[str, int] = {}
        self._surplus_calls: dict[str, int] = {}

    @contextlib.contextmanager
    def attached_to(self, layers: Mapping[str, nn.Module]) -> Iterator[None]:
        """Listens to these layers, after every hook that they have already."""
        with contextlib.ExitStack() as hooks:
            for name, layer in layers.items():
                handle = layer.register_forward_pre_hook(self._hook_for(name), with_kwargs=True)
                hooks.callback(handle.remove)
            yield

    def begin(self, batch: int) -> None:
        self._batch = batch
        self._tensors.clear()
        self._calls.clear()

    def write(self, folder: Path) -> None:
        """Writes what the mini-batch brought, under a temporary name first."""
        if not self._tensors:
            raise CannotRecordError(
                f"mini-batch {self._batch} reached none of the BatchNorm layers to record; "
                "a model from torch.compile must be given as it was before compiling"
            )
        name = f"{self._batch:06d}.safetensors"
        temporary = folder / f".{name}.tmp"
        try:
            temporary.touch()
            permissions = temporary.stat().st_mode & 0o777
            save_file(self._tensors, temporary, metadata=self._metadata)
            # safetensors makes files that only their owner may read; a cluster's executors are often someone else.
            temporary.chmod(permissions)
            temporary.replace(folder / name)
        finally:
            temporary.unlink(missing_ok=True)
            self._tensors.clear()

    def _hook_for(self, name: str) -> Any:
        def record(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self._record(name, args[0] if args else kwargs["input"])

        return record

    def _record(self, name: str, activations: torch.Tensor) -> None:
        calls = self._calls[name] = self._calls.get(name, 0) + 1
        surplus = self._surplus_calls.setdefault(name, 0)
        if calls > 1:
            surplus = self._surplus_calls[name] = surplus + 1
        # A copy: what follows in the forward may change the tensor in place.
        self._tensors[f"{name}/{self._batch + surplus}"] = activations.detach().to(
            "cpu", copy=True, memory_format=torch.contiguous_format
        )


def _watched_layers(model: nn.Module, names: Sequence[str] | None) -> dict[str, nn.Module]:
    available = {name: module for name, module in model.named_modules() if isinstance(module, _BatchNorm)}
    if "" in available:
        raise CannotRecordError("the model itself is a BatchNorm layer and has no name: wrap it in torch.nn.Sequential")
    if not available:
        raise CannotRecordError(f"{type(model).__name__} has no BatchNorm layer")
    if names is None:
        return available
    if isinstance(names, str):
        raise CannotRecordError(f"layers is the string {names!r}, expected a list of names")
    unknown = [name for name in names if name not in available]
    if unknown:
        raise CannotRecordError(f"no BatchNorm layer is named {', '.join(unknown)}; there are {', '.join(available)}")
    if not names:
        raise CannotRecordError(f"layers is empty; there are {', '.join(available)}")
    return {name: available[name] for name in names}


def _folder_without_activations(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    present = sorted(path.name for path in folder.glob("*.safetensors"))
    if present:
        raise FileExistsError(
            f"{folder} already holds {len(present)} safetensors files ({present[0]}, ...): "
            "they would be counted together with the new ones"
        )
    return folder


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


def _load(reference: str) -> Any:
    """The object behind ``module:name`` or ``path/to/file.py:name``; a CannotRecordError if there is none."""
    place, separator, name = reference.rpartition(":")
    if not separator:
        raise CannotRecordError(f"{reference!r}: expected module:name or file.py:name")
    module = _import_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    try:
        return getattr(module, name)
    except AttributeError:
        raise CannotRecordError(f"{reference!r}: {place} has no {name!r}") from None


def _import_file(path: Path) -> ModuleType:
    """Imports a file as ``python path`` would, its neighbours importable; the same file only once."""
    if not path.is_file():
        raise CannotRecordError(f"{path}: no such file")
    present = sys.modules.get(path.stem)
    if present is not None and getattr(present, "__file__", None) == str(path.resolve()):
        return present
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    sys.path.insert(0, str(path.resolve().parent))
    spec.loader.exec_module(module)
    return module


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description="Records what enters the BatchNorm layers of a PyTorch model, one safetensors file per mini-batch.",
        epilog="A factory is a function without arguments, as module:name or path/to/file.py:name.",
    )
    parser.add_argument("--model", required=True, metavar="FACTORY", help="returns the torch.nn.Module, weights loaded")
    parser.add_argument("--batches", required=True, metavar="FACTORY", help="returns the mini-batches (DataLoader)")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="must not hold safetensors files yet")
    parser.add_argument("--mode", choices=MODES, default="train", help="train (default) suits almost every model")
    parser.add_argument("--layers", nargs="+", metavar="NAME", help="BatchNorm modules to record (default: all)")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    parser = _parser()
    options = parser.parse_args(arguments)
    sys.path.insert(0, os.getcwd())
    try:
        model = _load(options.model)
        batches = _load(options.batches)
    except CannotRecordError as error:
        parser.error(str(error))
    model = model if isinstance(model, nn.Module) else model()
    batches = batches() if callable(batches) else batches
    try:
        written = dump_activations(model, batches, options.output, mode=options.mode, layers=options.layers)
    except (CannotRecordError, FileExistsError) as error:
        parser.error(str(error))
    print(f"{written} mini-batches in {options.output}")


if __name__ == "__main__":
    main()

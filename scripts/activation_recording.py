"""What dump_activations_torch.py and dump_activations_keras.py share: files, numbers of calls, the command line.

Knows no framework. The two scripts find it beside them.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

MODES = ("train", "eval")


class CannotRecordError(ValueError):
    """What was asked for does not fit the model or the mini-batches."""


class Recording:
    """Collects what the layers of one forward were given, and writes it as one safetensors file.

    Mini-batch ``b`` becomes ``<b, 6 digits>.safetensors`` with the tensors ``<layer>/<b>``. Surplus calls of a layer
    push up the numbers that follow for it: twice a forward gives ``/0 /1``, then ``/2 /3``. A file gets its name when
    it is complete.

    Args:
        folder: where the files go; must exist.
        save: writes tensors to a path.
        hint: what to say when a mini-batch reached none of the layers.
    """

    def __init__(self, folder: Path, save: Callable[[dict[str, Any], Path], None], hint: str) -> None:
        self._folder = folder
        self._save = save
        self._hint = hint
        self._batch = 0
        self._written = 0
        self._tensors: dict[str, Any] = {}
        self._calls: dict[str, int] = {}
        self._surplus_calls: dict[str, int] = {}

    def begin(self, batch: int) -> None:
        self._batch = batch
        self._tensors.clear()
        self._calls.clear()

    def add(self, layer: str, activations: Any) -> None:
        calls = self._calls[layer] = self._calls.get(layer, 0) + 1
        surplus = self._surplus_calls.setdefault(layer, 0)
        if calls > 1:
            surplus = self._surplus_calls[layer] = surplus + 1
        self._tensors[f"{layer}/{self._batch + surplus}"] = activations

    def write(self) -> None:
        """Writes what the mini-batch brought, under a temporary name first."""
        if not self._tensors:
            raise CannotRecordError(
                f"mini-batch {self._batch} reached none of the BatchNorm layers to record; {self._hint}"
            )
        name = f"{self._batch:06d}.safetensors"
        temporary = self._folder / f".{name}.tmp"
        try:
            temporary.touch()
            permissions = temporary.stat().st_mode & 0o777
            self._save(self._tensors, temporary)
            # safetensors makes files that only their owner may read; a cluster's executors are often someone else.
            temporary.chmod(permissions)
            temporary.replace(self._folder / name)
            self._written += 1
        finally:
            temporary.unlink(missing_ok=True)
            self._tensors.clear()

    def finish(self) -> int:
        """Says how many mini-batches were written, of which there must be one."""
        if self._written == 0:
            raise CannotRecordError("there is no mini-batch to record: the batches are empty, or were used up before")
        return self._written


def checked_mode(mode: str) -> str:
    if mode not in MODES:
        raise CannotRecordError(f"mode is {mode!r}, expected one of {', '.join(MODES)}")
    return mode


def chosen_layers(available: Mapping[str, Any], names: Sequence[str] | None) -> dict[str, Any]:
    """The layers of these names, all of them if None."""
    if names is None:
        return dict(available)
    if isinstance(names, str):
        raise CannotRecordError(f"layers is the string {names!r}, expected a list of names")
    unknown = [name for name in names if name not in available]
    if unknown:
        raise CannotRecordError(f"no BatchNorm layer is named {', '.join(unknown)}; there are {', '.join(available)}")
    if not names:
        raise CannotRecordError(f"layers is empty; there are {', '.join(available)}")
    return {name: available[name] for name in names}


def folder_without_activations(folder: str | os.PathLike[str]) -> Path:
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    present = sorted(path.name for path in folder.glob("*.safetensors"))
    if present:
        raise FileExistsError(
            f"{folder} already holds {len(present)} safetensors files ({present[0]}, ...): "
            "they would be counted together with the new ones"
        )
    return folder


def run_program(
    arguments: Sequence[str] | None,
    framework: str,
    model_kind: str,
    load_model: Callable[[str], Any],
    dump: Callable[..., int],
) -> None:
    """The command line of a dump script: loads model and mini-batches, and calls ``dump``.

    Args:
        arguments: of the command, ``sys.argv`` if None.
        framework: its name.
        model_kind: what ``--model`` names, in words.
        load_model: the model behind what ``--model`` says.
        dump: ``dump_activations`` of the framework.
    """
    parser = _parser(framework, model_kind)
    options = parser.parse_args(arguments)
    sys.path.insert(0, os.getcwd())
    try:
        model = load_model(options.model)
        batches = load_object(options.batches)
    except CannotRecordError as error:
        parser.error(str(error))
    batches = batches() if callable(batches) else batches
    try:
        written = dump(model, batches, options.output, mode=options.mode, layers=options.layers)
    except (CannotRecordError, FileExistsError) as error:
        parser.error(str(error))
    print(f"{written} mini-batches in {options.output}")


def _parser(framework: str, model_kind: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=f"Records what enters the BatchNorm layers of a {framework} model, one safetensors file per "
        "mini-batch.",
        epilog="A factory is a function without arguments, as module:name or path/to/file.py:name.",
    )
    parser.add_argument("--model", required=True, metavar="FACTORY", help=model_kind)
    parser.add_argument("--batches", required=True, metavar="FACTORY", help="returns the mini-batches")
    parser.add_argument("--output", required=True, metavar="FOLDER", help="must not hold safetensors files yet")
    parser.add_argument("--mode", choices=MODES, default="train", help="train (default) suits almost every model")
    parser.add_argument("--layers", nargs="+", metavar="NAME", help="BatchNorm layers to record (default: all)")
    return parser


def load_object(reference: str) -> Any:
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

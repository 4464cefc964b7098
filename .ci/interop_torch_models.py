"""A ResNet-18 of torchvision's through all of it: recorded, recalibrated, patched in every kind of file, loaded."""

from __future__ import annotations

import argparse
import collections
import copy
import json
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from dump_activations_torch import dump_activations
from interop_bytes import Range, Zip, check_changed_bytes, check_zip_intact, safetensors_ranges
from interop_support import Checks, Launcher, worst_ulp
from interop_torch import tensors_of
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import update_bn
from torchvision.models import resnet18

SEED = 23
BATCH_ROWS = (6, 4, 5)
BATCH_NORMS = 20
STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
# Eval outputs from float32 statistics of which one may be rounded to the other neighbour, in units of the output's
# root mean square; equal bits otherwise.
OUTPUT = 1e-6
ITEM_SIZES = {"FloatStorage": 4, "LongStorage": 8}

State = dict[str, Tensor]


def images() -> list[Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    return [torch.randn(rows, 3, 64, 64, generator=generator, dtype=torch.float64) for rows in BATCH_ROWS]


def used_resnet() -> nn.Module:
    """In float32, with weights and running statistics as after a little training."""
    torch.manual_seed(SEED)
    model = resnet18(weights=None, num_classes=10)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    with torch.no_grad():
        for batch in images()[1:]:
            model(batch.float() * 2 + 1)
    return model


@dataclass(frozen=True)
class ModelFile:
    """A kind of file that a state dict is kept in.

    Attributes:
        suffix: how its names end.
        write: a state dict into a file of this name.
        read: the state dict of such a file, by PyTorch's or safetensors' own loader.
        ranges: where in such a file the tensors of these names stand, with their checksums.
        prefix: what stands before the names of the modules.
    """

    suffix: str
    write: Callable[[State, Path], None]
    read: Callable[[Path], State]
    ranges: Callable[[Path, list[str]], list[Range]]
    prefix: str = ""


def write_training_checkpoint(state: State, file: Path) -> None:
    """With all that people keep beside the weights."""
    parameter = nn.Parameter(torch.ones(3))
    optimizer = torch.optim.Adam([parameter], lr=1e-3)
    parameter.sum().backward()
    optimizer.step()
    checkpoint = {
        "epoch": 7,
        "args": argparse.Namespace(arch="resnet18", lr=1e-3, output=Path("runs")),
        "model": state,
        "optimizer": optimizer.state_dict(),
        "best": np.float64(0.5),
    }
    torch.save(checkpoint, file)


def storage_ranges(file: Path, names: list[str]) -> list[Range]:
    """Of tensors in a .pt file, by the names they have in any dict in it."""
    archive = Zip(file)
    found: list[Range] = []
    for entry, start, end in (_storages(file)[name] for name in names):
        found += archive.ranges(entry, [(start, end)])
    return found


def _storages(file: Path) -> dict[str, tuple[str, int, int]]:
    """Name -> entry of the zip and the bytes in it, of every tensor that a dict in the pickle names."""
    with zipfile.ZipFile(file) as opened:
        (pickled,) = (name for name in opened.namelist() if name.endswith("/data.pkl"))
        root = _Places(opened.open(pickled)).load()
    places: dict[str, tuple[str, int, int]] = {}

    def visit(node: Any) -> None:
        for name, child in node.items() if isinstance(node, dict) else ():
            if isinstance(child, _Place):
                places[name] = pickled.replace("data.pkl", f"data/{child.key}"), child.start, child.end
            visit(child)

    visit(root)
    return places


@dataclass(frozen=True)
class _Place:
    key: str
    start: int
    end: int


class _Places(pickle.Unpickler):
    """Where the tensors of a checkpoint stand, in place of their values; nothing else of it is made."""

    def persistent_load(self, identity: Any) -> Any:
        _, item_size, key, _, _ = identity
        return key, item_size

    def find_class(self, module: str, name: str) -> Any:
        if name.startswith("_rebuild_tensor"):
            return _place
        if module == "torch":
            return ITEM_SIZES[name]
        return collections.OrderedDict if name == "OrderedDict" else _Anything


def _place(storage: tuple[str, int], offset: int, shape: tuple[int, ...], *_: Any) -> _Place:
    key, item_size = storage
    return _Place(key, offset * item_size, (offset + int(np.prod(shape, dtype=int))) * item_size)


class _Anything:
    def __init__(self, *_: Any) -> None:
        pass

    def __setstate__(self, _: Any) -> None:
        pass


PT = ModelFile(".pt", torch.save, lambda file: torch.load(file, weights_only=True), storage_ranges)
MODEL_FILES = {
    "pt": PT,
    "safetensors": ModelFile(".safetensors", save_file, tensors_of, safetensors_ranges),
    "DataParallel's pt": ModelFile(".pth", PT.write, PT.read, storage_ranges, prefix="module."),
    "training checkpoint": ModelFile(
        ".pt",
        write_training_checkpoint,
        lambda file: torch.load(file, weights_only=False)["model"],
        storage_ranges,
    ),
}


class Recalibrated:
    """A recorded model: as it was, and as PyTorch's own recalibration leaves it."""

    def __init__(self, folder: Path) -> None:
        self.activations = folder / "activations"
        self.before = used_resnet()
        model = copy.deepcopy(self.before).double()
        dump_activations(model, images(), self.activations)
        update_bn(images(), model)
        self.layers = [name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)]
        # float64 statistics, rounded once to what the files hold.
        self.after = model.float()
        self.outputs = self.outputs_of(self.after.state_dict())

    def names(self, prefix: str = "") -> list[str]:
        return [f"{prefix}{layer}.{word}" for layer in self.layers for word in STATISTICS]

    @torch.no_grad()
    def outputs_of(self, state: State) -> np.ndarray:
        """In float64, by a new model with this state."""
        model = resnet18(weights=None, num_classes=10)
        model.load_state_dict(state)
        return model.double().eval()(images()[0]).numpy()


def check_torch_models(checks: Checks, launcher: Launcher, folder: Path) -> None:
    model = Recalibrated(folder)
    checks.equal("resnet18: BatchNorm layers", len(model.layers), BATCH_NORMS)
    statistics = folder / "statistics.safetensors"
    arguments = ("--input", model.activations, "--estimator", "paper")
    launcher.recalibrate(*arguments, "--dtype", "F64", "--output", statistics)
    for number, (kind, kept) in enumerate(MODEL_FILES.items()):
        before, after = folder / f"model-{number}{kept.suffix}", folder / f"patched-{number}{kept.suffix}"
        kept.write({kept.prefix + name: tensor for name, tensor in model.before.state_dict().items()}, before)
        if kind == "pt":
            launcher.recalibrate(*arguments, "--model", before, "--output", after)
        else:
            launcher.run("apply", "--statistics", statistics, "--model", before, "--output", after)
        _check_patched(checks, f"resnet18, {kind}", model, kept, before, after)
    _check_sharded(checks, launcher, folder, model, statistics)


def _check_patched(checks: Checks, name: str, model: Recalibrated, kept: ModelFile, before: Path, after: Path) -> None:
    state = {key.removeprefix(kept.prefix): tensor for key, tensor in kept.read(after).items()}
    _check_state(checks, name, model, state)
    check_changed_bytes(checks, name, before, after, kept.ranges(before, model.names(kept.prefix)))
    if kept.ranges is storage_ranges:
        check_zip_intact(checks, name, after)


def _check_state(checks: Checks, name: str, model: Recalibrated, state: State) -> None:
    expected = model.after.state_dict()
    checks.equal(f"{name}: names", sorted(state), sorted(expected))
    for word in ("running_mean", "running_var"):
        seen, wanted = (
            np.concatenate([dictionary[f"{layer}.{word}"].numpy() for layer in model.layers])
            for dictionary in (state, expected)
        )
        # Both are float64 results rounded once; the last bits of update_bn's sums may tip one to the other side.
        checks.at_most(f"{name}: {word} against update_bn in float64, ulp of float32", worst_ulp(seen, wanted), 1)
        checks.at_most(f"{name}: {word}, share that is not equal", float(np.mean(seen != wanted)), 1e-3)
    tracked = {state[f"{layer}.num_batches_tracked"].item() for layer in model.layers}
    checks.equal(f"{name}: num_batches_tracked", tracked, {len(BATCH_ROWS)})
    unit = np.sqrt(np.mean(np.square(model.outputs)))
    error = float(np.max(np.abs(model.outputs_of(state) - model.outputs)) / unit)
    checks.at_most(f"{name}: eval outputs against update_bn's", error, OUTPUT)


def _check_sharded(checks: Checks, launcher: Launcher, folder: Path, model: Recalibrated, statistics: Path) -> None:
    """As transformers and diffusers write large models: several files, and an index."""
    name = "resnet18, sharded safetensors"
    state = model.before.state_dict()
    names = list(state)
    shards = {f"model-{k + 1:05d}-of-00003.safetensors": names[k::3] for k in range(3)}
    source, target = folder / "sharded", folder / "patched-sharded"
    source.mkdir()
    for file, held in shards.items():
        save_file({key: state[key] for key in held}, source / file, metadata={"format": "pt"})
    index = {
        "metadata": {"total_size": sum(tensor.nbytes for tensor in state.values())},
        "weight_map": {key: file for file, held in shards.items() for key in held},
    }
    (source / "model.safetensors.index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")
    index_names = [path / "model.safetensors.index.json" for path in (source, target)]
    launcher.run("apply", "--statistics", statistics, "--model", index_names[0], "--output", index_names[1])
    patched = {key: tensor for file in shards for key, tensor in tensors_of(target / file).items()}
    _check_state(checks, name, model, {key: patched[key] for key in names})
    for file, held in shards.items():
        ranges = safetensors_ranges(source / file, [key for key in held if key in model.names()])
        check_changed_bytes(checks, f"{name}, {file}", source / file, target / file, ranges)
    same = index_names[0].read_bytes() == index_names[1].read_bytes()
    checks.equal(f"{name}: the index is as it was", same, True)

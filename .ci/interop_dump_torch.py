"""Checks of scripts/dump_activations_torch.py: what it writes, and that it leaves the model as it was."""

from __future__ import annotations

import copy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import torch
from dump_activations_torch import dump_activations
from interop_support import (
    ROOT,
    Checks,
    Launcher,
    check_eval_mode_warning,
    error_in_units_of,
    exception_of,
    relative_error,
    root_mean_square,
)
from interop_torch import tensors_of
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.swa_utils import update_bn

SCRIPT = ROOT / "scripts" / "dump_activations_torch.py"
SEED = 11
BATCHES = 3
# The shared layer is called twice a forward, the others once.
EXPECTED_KEYS = [
    {f"stem.1.norm/{b}", f"shared/{2 * b}", f"shared/{2 * b + 1}", f"turned/{b}", f"last/{b}"} for b in range(BATCHES)
]


class Counter(nn.Module):
    """Changes a buffer in place and replaces another in every training forward."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))
        self.register_buffer("average", torch.zeros(()))

    def forward(self, hidden: Tensor) -> Tensor:
        if self.training:
            self.calls += 1
            self.average = 0.9 * self.average + 0.1 * hidden.mean()
        return hidden


class NormBlock(nn.Module):
    """A nested SyncBatchNorm whose output is overwritten by the ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.SyncBatchNorm(channels)

    def forward(self, hidden: Tensor) -> Tensor:
        return self.norm(hidden).relu_()


class ManyNorms(nn.Module):
    """Nested, shared, synchronized BatchNorm layers, dropout, and inputs that are not contiguous."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), NormBlock(4), Counter())
        self.dropout = nn.Dropout(0.3)
        self.shared = nn.BatchNorm2d(4, momentum=None)
        self.turned = nn.BatchNorm1d(16)
        self.last = nn.BatchNorm1d(4)

    def forward(self, images: Tensor) -> Tensor:
        hidden = self.dropout(self.stem(images))
        pooled = self.shared(nn.functional.avg_pool2d(self.shared(hidden), 2))
        turned = self.turned(pooled.flatten(2).transpose(1, 2))
        return self.last(input=turned.mean(1).add_(0.5))


class KeptFrozen(nn.Sequential):
    """A model whose own ``train()`` keeps the BatchNorm layers in eval mode."""

    def train(self, mode: bool = True) -> KeptFrozen:
        super().train(mode)
        for module in self:
            module.training = False
        return self


def mini_batches(dtype: torch.dtype = torch.float32) -> list[Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    return [torch.randn(rows, 1, 8, 8, generator=generator, dtype=torch.float64).to(dtype) for rows in (5, 3, 7)]


@torch.no_grad()
def used_model() -> ManyNorms:
    """A model that has been trained a little, with one part frozen."""
    torch.manual_seed(SEED)
    model = ManyNorms()
    for batch in mini_batches():
        model(batch * 3 + 1)
    model.stem.eval()
    return model


def check_dump(checks: Checks, folder: Path) -> None:
    _check_files(checks, folder / "files")
    _check_model_untouched(checks, folder / "untouched")
    _check_eval_mode(checks, folder / "eval")
    _check_frozen_layers(checks, folder / "frozen")
    _check_dtypes_and_batches(checks, folder / "dtypes")
    _check_refusals(checks, folder / "refusals")
    _check_killed_run(checks, folder / "killed")
    _check_program(checks, folder / "program")


def _check_files(checks: Checks, folder: Path) -> None:
    model = used_model()
    expected = _inputs_by_plain_hooks(copy.deepcopy(model).train())
    torch.manual_seed(SEED)
    checks.equal("dump: mini-batches returned", dump_activations(model, mini_batches(), folder), BATCHES)
    files = sorted(path.name for path in folder.iterdir())
    checks.equal("dump: files", files, [f"{batch:06d}.safetensors" for batch in range(BATCHES)])
    for batch, file in enumerate(sorted(folder.iterdir())):
        tensors = tensors_of(file)
        checks.equal(f"dump: keys of {file.name}", sorted(tensors), sorted(EXPECTED_KEYS[batch]))
        same = all(torch.equal(tensors[key], expected[key]) for key in tensors)
        checks.equal(f"dump: {file.name} holds the layers' inputs bit for bit", same, True)
        with safe_open(file, "pt") as opened:
            checks.equal(f"dump: metadata of {file.name}", opened.metadata(), {"mode": "train"})
        checks.equal(f"dump: others may read {file.name}", file.stat().st_mode & 0o444, _default_mode(folder) & 0o444)


def _default_mode(folder: Path) -> int:
    probe = folder.parent / "probe"
    probe.touch()
    return probe.stat().st_mode


def _inputs_by_plain_hooks(model: nn.Module) -> dict[str, Tensor]:
    """What enters each BatchNorm layer of a model in training mode, numbered by call as update_bn counts."""
    inputs: dict[str, Tensor] = {}

    def listen(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, args: tuple[Tensor, ...], kwargs: dict[str, Tensor]) -> None:
            number = sum(key.rpartition("/")[0] == name for key in inputs)
            inputs[f"{name}/{number}"] = (args[0] if args else kwargs["input"]).detach().clone()

        return hook

    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            module.register_forward_pre_hook(listen(name), with_kwargs=True)
    torch.manual_seed(SEED)
    with torch.no_grad():
        for batch in mini_batches():
            model(batch)
    return inputs


class Snapshot:
    """Everything about a model that recording must leave alone."""

    def __init__(self, model: nn.Module) -> None:
        self._state = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self._objects = {name: id(tensor) for name, tensor in (*model.named_buffers(), *model.named_parameters())}
        self._training = [module.training for module in model.modules()]

    def differences(self, model: nn.Module) -> list[str]:
        state = model.state_dict()
        found = [name for name in self._state if not torch.equal(self._state[name], state[name])]
        found += ["names of the state dict"] * (list(state) != list(self._state))
        objects = {name: id(tensor) for name, tensor in (*model.named_buffers(), *model.named_parameters())}
        found += ["identity of a tensor"] * (objects != self._objects)
        found += ["training flags"] * ([module.training for module in model.modules()] != self._training)
        found += ["hooks"] * any(m._forward_pre_hooks or m._forward_pre_hooks_with_kwargs for m in model.modules())
        found += ["gradients"] * any(parameter.grad is not None for parameter in model.parameters())
        return found


def _check_model_untouched(checks: Checks, folder: Path) -> None:
    for mode in ("train", "eval"):
        model = used_model()
        before = Snapshot(model)
        dump_activations(model, mini_batches(), folder / mode, mode=mode)
        checks.equal(f"dump: what mode {mode} changed in the model", before.differences(model), [])
    model = used_model()
    before = Snapshot(model)
    seen = exception_of(lambda: dump_activations(model, [*mini_batches(), torch.zeros(2, 9, 8, 8)], folder / "failing"))
    checks.equal("dump: a mini-batch that does not fit raises", type(seen), RuntimeError)
    checks.equal("dump: what an exception changed in the model", before.differences(model), [])
    checks.equal("dump: files after an exception", len(list((folder / "failing").iterdir())), BATCHES)


def _check_eval_mode(checks: Checks, folder: Path) -> None:
    model = used_model()
    dump_activations(model, mini_batches(), folder, mode="eval", layers=["shared"])
    tensors = tensors_of(folder / "000001.safetensors")
    checks.equal("dump: keys of the layers asked for", sorted(tensors), ["shared/2", "shared/3"])
    with torch.no_grad():
        expected = copy.deepcopy(model).eval().stem(mini_batches()[1])
    checks.equal("dump: mode eval uses running statistics", torch.equal(tensors["shared/2"], expected), True)
    with safe_open(folder / "000001.safetensors", "pt") as opened:
        checks.equal("dump: metadata in mode eval", opened.metadata(), {"mode": "eval"})


def _check_frozen_layers(checks: Checks, folder: Path) -> None:
    values = torch.randn(6, 3) * 5 + 2
    dump_activations(KeptFrozen(nn.BatchNorm1d(3), nn.BatchNorm1d(3)), [values], folder)
    seen = tensors_of(folder / "000000.safetensors")["1/0"]
    expected = nn.BatchNorm1d(3)(values).detach()
    checks.equal("dump: a frozen layer normalizes by its mini-batch", torch.equal(seen, expected), True)


def _check_dtypes_and_batches(checks: Checks, folder: Path) -> None:
    model = nn.Sequential(nn.BatchNorm1d(3))
    for dtype in (torch.float64, torch.float16, torch.bfloat16):
        values = torch.randn(4, 3).to(dtype)
        dump_activations(model.to(dtype), [values], folder / str(dtype))
        seen = tensors_of(folder / str(dtype) / "000000.safetensors")["0/0"]
        checks.equal(f"dump: {dtype} is kept", (seen.dtype, torch.equal(seen, values)), (dtype, True))
    values = torch.randn(4, 3)
    kinds = {"tuple": (values, 1), "list": [values, 1], "dict": {"image": values, "label": 1}, "tensor": values}
    dump_activations(model.float(), kinds.values(), folder / "kinds")
    for number, kind in enumerate(kinds):
        seen = tensors_of(folder / "kinds" / f"{number:06d}.safetensors")[f"0/{number}"]
        checks.equal(f"dump: the input from a {kind}", torch.equal(seen, values), True)


def _check_refusals(checks: Checks, folder: Path) -> None:
    model = used_model()
    dump_activations(model, mini_batches(), folder)
    refusals: dict[str, tuple[Callable[[], object], type[Exception], str]] = {
        "a folder with activations": (lambda: dump_activations(model, [], folder), FileExistsError, "already holds 3"),
        "an unknown layer": (
            lambda: dump_activations(model, [], folder / "a", layers=["lost"]),
            ValueError,
            "no BatchNorm layer is named lost; there are stem.1.norm, shared, turned, last",
        ),
        "an unknown mode": (lambda: dump_activations(model, [], folder / "b", mode="test"), ValueError, "train, eval"),
        "a model without BatchNorm": (
            lambda: dump_activations(nn.Linear(2, 2), [], folder / "c"),
            ValueError,
            "Linear has no BatchNorm layer",
        ),
        "a BatchNorm alone": (lambda: dump_activations(nn.BatchNorm1d(2), [], folder / "d"), ValueError, "Sequential"),
        "a lazy model": (
            lambda: dump_activations(nn.Sequential(nn.LazyBatchNorm1d()), [], folder / "e"),
            ValueError,
            "run the model once",
        ),
    }
    for name, (call, kind, words) in refusals.items():
        checks.refused(f"dump: {name}", call, kind, words)


def _check_killed_run(checks: Checks, folder: Path) -> None:
    """Dies between writing the second file and giving it its name."""
    folder.mkdir()
    program = """
import os, pathlib, sys, torch
sys.path.insert(0, sys.argv[1])
from dump_activations_torch import dump_activations
rename = pathlib.Path.replace
pathlib.Path.replace = lambda self, to: os._exit(9) if "000001" in str(to) else rename(self, to)
dump_activations(torch.nn.Sequential(torch.nn.BatchNorm1d(3)), [torch.randn(4, 3)] * 3, sys.argv[2])
"""
    done = subprocess.run([sys.executable, "-c", program, str(SCRIPT.parent), str(folder)], check=False)
    visible = sorted(path.name for path in folder.iterdir() if path.name[0] not in "._")
    seen = (done.returncode, visible, len(list(folder.iterdir())))
    checks.equal("dump: exit code, files and temporary file of a killed run", seen, (9, ["000000.safetensors"], 2))


def _check_program(checks: Checks, folder: Path) -> None:
    folder.mkdir()
    (folder / "factories.py").write_text(
        "import torch\n"
        "def model():\n    return torch.nn.Sequential(torch.nn.BatchNorm1d(3))\n"
        "def batches():\n    return [torch.ones(4, 3), torch.zeros(2, 3)]\n",
        encoding="utf-8",
    )
    command = [sys.executable, str(SCRIPT), "--batches", "factories:batches", "--output", "out"]
    done = subprocess.run([*command, "--model", "factories.py:model"], cwd=folder, capture_output=True, text=True)
    checks.equal("dump: the program says", (done.returncode, done.stdout), (0, "2 mini-batches in out\n"))
    files = sorted(path.name for path in (folder / "out").iterdir())
    checks.equal("dump: the program's files", files, ["000000.safetensors", "000001.safetensors"])
    done = subprocess.run([*command, "--model", "factories.py:lost"], cwd=folder, capture_output=True, text=True)
    checks.equal("dump: the program's exit code for an unknown factory", done.returncode, 2)


def check_dump_recalibrated(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """``paper`` over a float64 recording equals update_bn on the model itself, dropout and all."""
    model = used_model().double()
    recalibrated = copy.deepcopy(model)
    torch.manual_seed(SEED)
    with torch.no_grad():
        update_bn(mini_batches(torch.float64), recalibrated.train())
    torch.manual_seed(SEED)
    dump_activations(model, mini_batches(torch.float64), folder / "activations")
    checkpoint = folder / "running.safetensors"
    report = launcher.recalibrate(
        "--input", folder / "activations", "--estimator", "paper", "--dtype", "F64", "--output", checkpoint
    )
    outcome = model.load_state_dict(tensors_of(checkpoint), strict=False)
    checks.equal("dump, recalibrated: unexpected keys", outcome.unexpected_keys, [])
    for name, expected in recalibrated.named_modules():
        if isinstance(expected, _BatchNorm):
            seen = model.get_submodule(name)
            error = relative_error(seen.running_var, expected.running_var)
            checks.at_most(f"dump, recalibrated: {name} variance against update_bn on the model", error, 1e-12)
            rms = root_mean_square(expected.running_mean, expected.running_var)
            error = error_in_units_of(rms, seen.running_mean, expected.running_mean)
            checks.at_most(f"dump, recalibrated: {name} mean against update_bn on the model", error, 1e-12)
            tracked = seen.num_batches_tracked.item(), expected.num_batches_tracked.item()
            checks.equal(f"dump, recalibrated: {name}.num_batches_tracked", *tracked)
    dump_activations(model, mini_batches(torch.float64), folder / "eval", mode="eval")
    of_eval = launcher.recalibrate("--input", folder / "eval", "--output", folder / "of-eval.safetensors")
    check_eval_mode_warning(checks, "dump, recalibrated", report, of_eval)

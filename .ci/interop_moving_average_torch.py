"""PyTorch's own running statistics, after steps of real training, against moving-average and train. In float64."""

from __future__ import annotations

import collections
from pathlib import Path

import torch
from dump_activations_torch import dump_activations
from interop_moving_average import (
    FLOAT64,
    Statistics,
    TrainedAlone,
    check_recalibrated,
    check_train_command,
    write_step,
)
from interop_recordings import arrays_of
from interop_support import Checks, Launcher
from safetensors.torch import save_file
from torch import Tensor, nn

SEED = 31
STEP_ROWS = (6, 4, 5, 2)
LAYERS = ("bn_image", "bn_flat")
FRESH = ("--dtype", "F64")


def small_net(momentum: float | None) -> nn.Sequential:
    torch.manual_seed(SEED)
    parts = {
        "conv": nn.Conv2d(3, 4, 3),
        "bn_image": nn.BatchNorm2d(4, momentum=momentum),
        "relu": nn.ReLU(),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(4 * 6 * 6, 6),
        "bn_flat": nn.BatchNorm1d(6, momentum=momentum),
        "last": nn.Linear(6, 2),
    }
    return nn.Sequential(collections.OrderedDict(parts)).double()


def images() -> list[Tensor]:
    generator = torch.Generator().manual_seed(SEED)
    return [torch.randn(rows, 3, 8, 8, generator=generator, dtype=torch.float64) * 2 + 1 for rows in STEP_ROWS]


def train_and_record(model: nn.Module, folder: Path) -> dict[str, Statistics]:
    """Steps of SGD, and the activations of each in a folder, as it changes the next; the statistics after them."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step, batch in enumerate(images()):
        dump_activations(model, [batch], folder / f"step-{step}")
        recorded = arrays_of(folder / f"step-{step}" / "000000.safetensors")
        write_step(folder / "steps", step, {name.removesuffix("/0"): array for name, array in recorded.items()})
        optimizer.zero_grad()
        model.train()(batch).square().mean().backward()
        optimizer.step()
    return {name: _statistics(model.get_submodule(name)) for name in LAYERS}


def _statistics(module: nn.Module) -> Statistics:
    return Statistics(module.running_mean.numpy(), module.running_var.numpy())


def check_moving_average(checks: Checks, launcher: Launcher, folder: Path) -> None:
    for name, momentum, word in (("PyTorch, momentum 0.1", 0.1, None), ("PyTorch, cumulative", None, "none")):
        place = folder / str(momentum)
        expected = train_and_record(small_net(momentum), place)
        arguments = ["--input", place / "steps", *FRESH, *([] if word is None else ["--momentum", word])]
        check_recalibrated(checks, launcher, name, arguments, place / "averaged.safetensors", expected, FLOAT64)
    _check_from_model(checks, launcher, folder / "model")
    for momentum in (0.1, 0.3, None):
        name = f"PyTorch, momentum {momentum}"
        place = folder / f"train-{momentum}"
        place.mkdir()
        check_train_command(checks, launcher, name, _trained_alone(place, momentum), place / "steps")


def _check_from_model(checks: Checks, launcher: Launcher, folder: Path) -> None:
    """Not from mean 0 and variance 1, but from where the model is when the steps begin."""
    folder.mkdir()
    model = small_net(0.3)
    with torch.no_grad():
        for batch in images():
            model(batch + 1)
    save_file(model.state_dict(), folder / "model.safetensors")
    expected = train_and_record(model, folder)
    arguments = ["--input", folder / "steps", "--momentum", "0.3"]
    arguments += ["--initial", "model", "--model", folder / "model.safetensors"]
    name = "PyTorch, momentum 0.3, from the model"
    check_recalibrated(checks, launcher, name, arguments, folder / "averaged.safetensors", expected, FLOAT64)


@torch.no_grad()
def _trained_alone(folder: Path, momentum: float | None) -> TrainedAlone:
    torch.manual_seed(SEED)
    layer = nn.BatchNorm2d(3, momentum=momentum).double()
    nn.init.normal_(layer.weight, 1, 0.5)
    nn.init.normal_(layer.bias)
    start = folder / "start.safetensors"
    save_file({f"bn.{key}": tensor for key, tensor in layer.state_dict().items()}, start)
    steps = [batch.float() for batch in images()]
    outputs = [layer(batch.double()).numpy() for batch in steps]
    word = "none" if momentum is None else str(momentum)
    return TrainedAlone(
        start, ("--momentum", word), [batch.numpy() for batch in steps], outputs, _statistics(layer), FLOAT64
    )

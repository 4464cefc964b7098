#!/usr/bin/env python3
"""Writes model files as PyTorch and numpy write them: torch/torch-* and npz/numpy-*.

    python src/test/resources/golden/make_models.py

``expected.json`` lists for every file what PyTorch (numpy) itself has in it: names, types, shapes, values; or the code
that our reader refuses it with. Weights are random numbers, rounded to 3 digits.
"""

from __future__ import annotations

import argparse
import collections
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from make_golden import SEED, Json, fresh_folder, write_expected
from torch import nn

WORDS = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.uint16: "U16",
    torch.uint32: "U32",
}


class Net(nn.Module):
    """A convolution, a linear layer, and BatchNorm layers with and without parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, 3)
        self.norm = nn.BatchNorm1d(3, affine=False)


def net() -> Net:
    torch.manual_seed(SEED)
    model = Net()
    with torch.no_grad():
        for tensor in model.state_dict().values():
            if tensor.is_floating_point():
                tensor.normal_().mul_(1000).round_().div_(1000)
            else:
                tensor.fill_(17)
        for layer in (model.stem[1], model.norm):
            layer.running_var.abs_()
    return model


def described(state: dict[str, Any]) -> Json:
    """Every tensor of a state dict; those of types that are not computed with have no values."""
    tensors: Json = {}
    for name, tensor in state.items():
        if isinstance(tensor, torch.Tensor):
            word = WORDS.get(tensor.dtype)
            values = tensor.double().reshape(-1).tolist() if word else None
            tensors[name] = {"dtype": word, "shape": list(tensor.shape), "values": values}
    return tensors


def training_checkpoint(model: nn.Module) -> Json:
    """What a training script saves, beside the state dict."""
    optimizer = torch.optim.Adam(model.parameters())
    for parameter in model.parameters():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()
    return {
        "epoch": 3,
        "args": argparse.Namespace(lr=0.1, layers=[1, 2], folder=Path("runs"), dtype=torch.float32),
        "best": np.float64(0.75),
        "history": np.arange(3.0),
        "losses": [0.5, 0.25, float("nan")],
        "seen": {1, 2},
        "size": torch.Size([2, 3]),
        "device": torch.device("cpu"),
        "step": torch.tensor(7),
        "optimizer": optimizer.state_dict(),
    }


def write_torch() -> None:
    folder = fresh_folder("torch", "torch", torch.__version__.split("+")[0])
    files: Json = {}

    def save(name: str, saved: Any, state: dict[str, Any], key: str | None = None, **how: Any) -> None:
        torch.save(saved, folder / name, **how)
        files[name] = {"stateDict": key, "tensors": described(state)}

    def refused(name: str, code: str) -> None:
        files[name] = {"code": code}

    state = net().state_dict()
    save("state-dict.pt", state, state)
    save("plain-dict.pt", dict(state), state)
    save("parameters.pt", net().state_dict(keep_vars=True), state)
    save("protocol-4.pt", state, state, pickle_protocol=4)
    save("protocol-5.pth", state, state, pickle_protocol=5)
    parallel = nn.DataParallel(net()).state_dict()
    save("data-parallel.pt", parallel, parallel)
    model = net()
    training = training_checkpoint(model)
    state = model.state_dict()
    for key in ("state_dict", "model", "model_state_dict"):
        save(f"training-{key}.pt", {**training, key: state}, state)
    save("training-ema.pt", {**training, "state_dict": state, "state_dict_ema": net().state_dict()}, state)
    save("training-net.pt", {**training, "net": state, "ema": net().state_dict()}, state, "net")

    types: Json = {
        "half.running_mean": torch.tensor([0.1, 60000.0]).half(),
        "half.running_var": torch.tensor([0.1, 1e-8]).half(),
        "brain.running_mean": torch.tensor([0.1, -3e38]).bfloat16(),
        "brain.running_var": torch.tensor([0.1, 1.0]).bfloat16(),
        "double.running_mean": torch.tensor([0.1, 1e300], dtype=torch.float64),
        "double.running_var": torch.tensor([0.1, 1.0], dtype=torch.float64),
    }
    for dtype in (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.uint16, torch.uint32):
        types[str(dtype)] = torch.tensor([1, 2, 100]).to(dtype)
    for dtype in (torch.bool, torch.complex64, torch.complex128, torch.uint64, torch.float8_e5m2, torch.float8_e4m3fn):
        types[str(dtype)] = torch.ones(2, 3).to(dtype)
    types["empty"] = torch.zeros(0, 3)
    types["number"] = 3
    types["nothing"] = None
    types["text"] = "text"
    save("types.pt", types, types)

    flat = torch.arange(12.0)
    alone = torch.tensor([5.0, 6.0])
    views: Json = {
        "flat.running_mean": flat[2:5],
        "flat.running_var": flat[5:8],
        "same.running_mean": alone,
        "same.running_var": alone,
        "strided.running_mean": torch.arange(8.0)[1::3],
        "strided.running_var": torch.tensor(2.5).expand(3),
        "slice.running_mean": torch.arange(9.0)[4:7],
        "slice.running_var": torch.arange(9.0)[6:],
        "transposed": torch.arange(6.0).reshape(2, 3).t(),
        "channels-last": torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last),
    }
    save("views.pt", views, views)
    files["views.pt"]["shared"] = [
        "flat.running_mean",
        "flat.running_var",
        "same.running_mean",
        "same.running_var",
    ]

    torch.save(net().state_dict(), folder / "legacy.pt", _use_new_zipfile_serialization=False)
    refused("legacy.pt", "TORCH_LEGACY")
    torch.jit.script(nn.Sequential(nn.BatchNorm1d(2))).save(folder / "script.pt")
    refused("script.pt", "TORCH_SCRIPT")
    torch.save(nn.BatchNorm1d(2), folder / "module.pt")
    refused("module.pt", "NO_STATE_DICT")
    torch.save({"epoch": 1, "model": nn.BatchNorm1d(2)}, folder / "module-inside.pt")
    refused("module-inside.pt", "NO_STATE_DICT")
    torch.save(torch.ones(3), folder / "tensor.pt")
    refused("tensor.pt", "NO_STATE_DICT")
    two = {"model": net().state_dict(), "state_dict": net().state_dict()}
    torch.save(two, folder / "two.pt")
    refused("two.pt", "STATE_DICT_AMBIGUOUS")
    foreign = collections.OrderedDict(net().state_dict(), args=argparse.Namespace(lr=0.1))
    torch.save(foreign, folder / "foreign.pt")
    refused("foreign.pt", "PICKLE_GLOBAL")
    torch.serialization.set_crc32_options(False)
    torch.save(net().state_dict(), folder / "no-checksums.pt")
    torch.serialization.set_crc32_options(True)
    refused("no-checksums.pt", "ZIP_CRC")
    write_expected(folder, {"producer": f"torch {torch.__version__.split('+')[0]}", "files": files})


def write_npz() -> None:
    folder = fresh_folder("npz", "numpy", np.__version__)
    rng = np.random.default_rng(SEED)
    files: Json = {}

    def values(channels: int) -> np.ndarray:
        return np.abs(rng.normal(size=channels)).round(3)

    def save(name: str, arrays: dict[str, Any], compressed: bool = False) -> None:
        (np.savez_compressed if compressed else np.savez)(folder / name, **arrays)
        numbers = "f2 f4 f8 i1 i2 i4 i8 u1 u2 u4".split()
        files[name] = {
            key: {"shape": list(array.shape), "values": array.astype(float).reshape(-1).tolist()}
            for key, array in np.load(folder / name, allow_pickle=False).items()
            if array.dtype.str[1:] in numbers
        }

    layers = {
        f"{layer}/{word}": values(channels).astype(dtype)
        for layer, channels, dtype in (("bn1", 3, "<f4"), ("block.0/bn", 2, "<f8"), ("half", 2, "<f2"))
        for word in ("mean", "variance", "gamma", "beta")
    }
    metadata = {"spark-batchnorm.epsilon": "0.001", "имя": "значение 😀"}
    text = json.dumps(metadata, ensure_ascii=False)
    save("savez.npz", {**layers, "metadata": np.array(text)})
    save("compressed.npz", {**layers, "metadata": np.array(text)}, compressed=True)
    others = {
        "bn/mean": values(3).astype(">f4"),
        "bn/variance": values(3).astype(">f8"),
        "kernel": np.asfortranarray(values(6).reshape(2, 3)),
        "steps": np.array(7, "<i4"),
        "mask": np.array([True, False]),
        "names": np.array(["a", "bc"]),
        "words": np.array(b"bytes"),
        "when": np.array("2026-01-01", "M8[D]"),
        "wide": np.array([1, 2], "u8"),
        "complex": np.array([1j], "c8"),
    }
    save("others.npz", others)
    flax = {
        "batch_stats/ConvBlock_0/bn/mean": values(4).astype("<f4"),
        "batch_stats/ConvBlock_0/bn/var": values(4).astype("<f4"),
        "params/ConvBlock_0/bn/scale": values(4).astype("<f4"),
        "params/ConvBlock_0/bn/bias": values(4).astype("<f4"),
        "params/Dense_0/kernel": values(8).astype("<f4").reshape(4, 2),
    }
    save("flax.npz", flax)
    np.savez(folder / "object.npz", **layers, config=np.array({"a": 1}, dtype=object))
    np.savez(folder / "structured.npz", **layers, rows=np.zeros(2, [("a", "<f4"), ("b", "<i4")]))
    write_expected(folder, {"producer": f"numpy {np.__version__}", "metadata": metadata, "files": files})


def main() -> None:
    write_torch()
    write_npz()


if __name__ == "__main__":
    main()

"""ONNX's operator BatchNormalization, by its published vectors and its reference implementation, against the kernel."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
from interop_moving_average import FLOAT64, Statistics, TrainedAlone, check_train_command
from interop_support import Checks, Launcher, worst_ulp
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.case.test_case import TestCase
from onnx.reference import ReferenceEvaluator
from safetensors.numpy import save_file

VECTORS = ("example", "epsilon", "example_training_mode", "epsilon_training_mode")
# The vectors' outputs come from float32 arithmetic, of values of about 1.
FLOAT32 = 1e-5
# Attributes are float32, and a default one is no exception.
MOMENTUM = float(np.float32(0.9))
EPSILON = float(np.float32(1e-5))


def check_onnx(checks: Checks, launcher: Launcher, folder: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of operators that have nothing to do with it
        np.random.seed(0)  # the vectors are drawn when they are collected
        cases = {case.name.removeprefix("test_batchnorm_"): case for case in collect_testcases("BatchNormalization")}
    checks.equal("onnx: vectors", sorted(cases), sorted(VECTORS))
    for name in VECTORS:
        place = folder / name
        place.mkdir()
        if "training" in name:
            _check_training(checks, launcher, place, f"onnx, {name}", cases[name])
        else:
            _check_inference(checks, launcher, place, f"onnx, {name}", cases[name])


def _check_inference(checks: Checks, launcher: Launcher, folder: Path, name: str, case: TestCase) -> None:
    inputs, published, exact = _numbers(case)
    np.save(folder / "in.npy", inputs[0])
    launcher.run(
        "eval", "--checkpoint", _checkpoint(folder, inputs), *_arguments(case), folder / "in.npy", folder / "out.npy"
    )
    seen = np.load(folder / "out.npy")
    checks.at_most(f"{name}: ulp of float32 from the reference in float64", worst_ulp(seen, _float32(exact[0])), 1)
    checks.at_most(f"{name}: from the vector", float(np.max(np.abs(seen - published[0]))), FLOAT32)


def _check_training(checks: Checks, launcher: Launcher, folder: Path, name: str, case: TestCase) -> None:
    inputs, published, exact = _numbers(case)
    arguments = (*_arguments(case), "--momentum", MOMENTUM)
    checks.at_most(f"{name}: reference from the vector", float(np.max(np.abs(exact[0] - published[0]))), FLOAT32)
    for kind, k in (("mean", 1), ("variance", 2)):
        error = float(np.max(np.abs(exact[k] - published[k])))
        checks.at_most(f"{name}: running {kind} of the reference from the vector", error, FLOAT32)
    trained = TrainedAlone(
        _checkpoint(folder, inputs), arguments, [inputs[0]], [exact[0]], Statistics(exact[1], exact[2]), FLOAT64
    )
    check_train_command(checks, launcher, name, trained, folder / "steps")


def _numbers(case: TestCase) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """The vector's inputs and outputs, and the reference's outputs in float64."""
    ((inputs, published),) = case.data_sets
    model = onnx.ModelProto()
    model.CopyFrom(case.model)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.elem_type = onnx.TensorProto.DOUBLE
    names = [value.name for value in model.graph.input]
    arrays = {name: array.astype(np.float64) for name, array in zip(names, inputs, strict=True)}
    return list(inputs), list(published), ReferenceEvaluator(model).run(None, arrays)


def _checkpoint(folder: Path, inputs: list[np.ndarray]) -> Path:
    _, scale, bias, mean, variance = (array.astype(np.float64) for array in inputs)
    file = folder / "start.safetensors"
    save_file({"bn.weight": scale, "bn.bias": bias, "bn.running_mean": mean, "bn.running_var": variance}, file)
    return file


def _arguments(case: TestCase) -> tuple[object, ...]:
    attributes = {attribute.name: attribute.f for attribute in case.model.graph.node[0].attribute}
    return "--convention", "onnx", "--epsilon", attributes.get("epsilon", EPSILON)


def _float32(array: np.ndarray) -> np.ndarray:
    return array.astype(np.float32)

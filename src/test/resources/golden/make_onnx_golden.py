#!/usr/bin/env python3
"""Writes onnx/onnx-VERSION beside it: ONNX's own test vectors of the operator BatchNormalization, as .npy files.

    python src/test/resources/golden/make_onnx_golden.py        # needs onnx and numpy

For each of the operator's cases a folder with its inputs and outputs under the names that the operator's node gives
them, and the attributes in ``expected.json``. The values come from the onnx package, which makes them from a fixed
seed when its module is imported.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnx.backend.test.case.node.batch_normalization  # fills the list below
from onnx.backend.test.case.node import _NodeTestCases

HERE = Path(__file__).resolve().parent
CASES = ("example", "epsilon", "example_training_mode", "epsilon_training_mode")


def main() -> None:
    folder = HERE / "onnx" / f"onnx-{onnx.__version__}"
    shutil.rmtree(folder, ignore_errors=True)
    found = {case.name: case for case in _NodeTestCases}
    cases = {}
    for name in CASES:
        case = found[f"test_batchnorm_{name}"]
        (node,) = case.model.graph.node
        inputs, outputs = case.data_sets[0]
        (folder / name).mkdir(parents=True)
        for tensor, array in zip((*node.input, *node.output), (*inputs, *outputs), strict=True):
            np.save(folder / name / f"{tensor}.npy", array)
        cases[name] = {
            "inputs": list(node.input),
            "outputs": list(node.output),
            "attributes": {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute},
            "opset": case.model.opset_import[0].version,
        }
    expected = {"producer": f"onnx {onnx.__version__}, numpy {np.__version__}", "cases": cases}
    (folder / "expected.json").write_text(json.dumps(expected, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Shows against real PyTorch, torchvision, numpy, pyarrow and ONNX that the program's files and numbers are theirs.

    python .ci/check_interop_torch.py --launcher scripts/spark-batchnorm [--only GROUP ...]

Prints one line for each check, with the figure seen and its bound; exits with 1 if one fails. Needs the packages
of requirements-torch.txt, and the project built - except for the group "dump", which needs no launcher.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))

import torch
from interop_digits import check_digits, check_eval, check_formats, check_paper
from interop_dump_torch import check_dump, check_dump_recalibrated
from interop_files_torch import check_files
from interop_moving_average_torch import check_moving_average
from interop_onnx import check_onnx
from interop_parameters_torch import check_parameters
from interop_questions_torch import check_questions
from interop_support import Group, run_groups
from interop_torch_models import check_torch_models

GROUPS: dict[str, Group] = {
    "digits": check_digits,
    "eval": check_eval,
    "paper": check_paper,
    "dump": lambda checks, _, folder: check_dump(checks, folder),
    "dump-recalibrated": check_dump_recalibrated,
    "formats": check_formats,
    "models": check_torch_models,
    "moving-average": check_moving_average,
    "files": check_files,
    "parameters": check_parameters,
    "questions": check_questions,
    "onnx": check_onnx,
}


def main() -> int:
    torch.set_num_threads(1)
    return run_groups("Checks the program against real PyTorch, torchvision, numpy and ONNX.", GROUPS, {"dump"})


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Shows against real Keras 3 on TensorFlow, and tf_keras, that the program's files and numbers are theirs.

    python .ci/check_interop_keras.py --launcher scripts/spark-batchnorm [--only GROUP ...]

Prints one line for each check, with the figure seen and its bound; exits with 1 if one fails. Needs the packages
of requirements-keras.txt, and the project built - except for the group "dump", which needs no launcher.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "scripts"))

from interop_dump_keras import check_dump
from interop_files_keras import check_eval, check_files
from interop_keras_models import check_keras_models
from interop_moving_average_keras import check_moving_average
from interop_parameters_keras import check_parameters
from interop_questions_keras import check_questions
from interop_support import Group, run_groups

GROUPS: dict[str, Group] = {
    "dump": lambda checks, _, folder: check_dump(checks, folder),
    "models": check_keras_models,
    "moving-average": check_moving_average,
    "files": check_files,
    "eval": check_eval,
    "parameters": check_parameters,
    "questions": check_questions,
}


def main() -> int:
    return run_groups("Checks the program against real Keras, TensorFlow and tf_keras.", GROUPS, {"dump"})


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# The checks with real frameworks, in virtual environments that are kept from run to run, as they take gigabytes: one
# with PyTorch and one with TensorFlow, as a process that imports TensorFlow and then torch.optim dies.
set -uo pipefail
cd "${BASH_SOURCE[0]%/*}/.." || exit 1

# With the version of Python in its name, as an environment breaks when its Python goes.
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || exit 1

# environment REQUIREMENTS: its folder, made if it is not there.
environment() {
  local requirements=$1 sum folder
  sum=$(cksum < "$requirements" | cut -d ' ' -f 1)
  folder=${XDG_CACHE_HOME:-$HOME/.cache}/spark-batchnorm/venv-$version-$sum
  if [ ! -e "$folder/complete" ]; then
    echo "installing $requirements into $folder" >&2
    rm -rf "$folder"
    mkdir -p "${folder%/*}"
    "$python" -m venv "$folder" &&
      "$folder/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2 &&
      touch "$folder/complete" || return 1
  fi
  printf '%s\n' "$folder"
}

# check REQUIREMENTS PROGRAM
check() {
  local folder
  folder=$(environment "$1") && "$folder/bin/python" "$2" --launcher scripts/spark-batchnorm
}

failed=0
check .ci/requirements.txt .ci/check_interop_torch.py || failed=1
export KERAS_BACKEND=tensorflow TF_CPP_MIN_LOG_LEVEL=2 CUDA_VISIBLE_DEVICES=-1
check .ci/requirements-keras.txt .ci/check_interop_keras.py || failed=1
exit "$failed"

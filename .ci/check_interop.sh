#!/usr/bin/env bash
# check_interop.py in a virtual environment that is kept from run to run, as it takes gigabytes.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."

# With the version of Python in its name, as an environment breaks when its Python goes.
python=${PYTHON:-python3}
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
sum=$(cksum < .ci/requirements.txt | cut -d ' ' -f 1)
environment=${XDG_CACHE_HOME:-$HOME/.cache}/spark-batchnorm/venv-$version-$sum

if [ ! -e "$environment/complete" ]; then
  echo "installing .ci/requirements.txt into $environment"
  rm -rf "$environment"
  mkdir -p "${environment%/*}"
  "$python" -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement .ci/requirements.txt
  touch "$environment/complete"
fi
exec "$environment/bin/python" .ci/check_interop.py --launcher scripts/spark-batchnorm

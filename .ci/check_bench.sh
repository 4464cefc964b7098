#!/usr/bin/env bash
# The benchmarks on next to nothing: they run, and say what they are there to say. Their figures mean nothing here.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
trap 'rm -rf "$work"' EXIT

bench=$root/scripts/bench
mkdir "$work/tmp"
export TMPDIR=$work/tmp

# expect_row NAME-OF-CONTESTANT INPUT TASKS: a figure of it.
expect_row() { expect_text "scan: $1, $2, $3" out "^$1 +$2 +$3 +[0-9]+\.[0-9]+ "; }

scan() {
  local input tasks name
  expect_code "scan" 0 "$bench" scan --size 64MiB --cold-size 64MiB --sql-size 2MiB --marginal --rounds 1
  for tasks in 1 2; do
    for input in safetensors npy; do
      expect_row 'dd bs=1M' "$input" "$tasks"
      expect_row 'read loop, no statistics' "$input" "$tasks"
    done
    for input in safetensors npy 'parquet array<float>'; do
      expect_row 'exact' "$input" "$tasks"
      expect_row 'exact, scalar kernel' "$input" "$tasks"
      expect_row 'welford' "$input" "$tasks"
    done
    for input in 'parquet binary' 'snappy array<float>' 'snappy binary'; do expect_row 'exact' "$input" "$tasks"; done
    expect_row 'Spark SQL posexplode, var_samp' 'parquet, [0-9.]+ MB' "$tasks"
  done
  expect_row 'exact, cold from the shell' 'safetensors, 67.0 MB' 2
  expect_row 'exact, cold from the shell' 'safetensors, 134.1 MB' 2
  expect_text "scan: a bound" out '^safetensors: exact / read loop +[0-9.]+ +[0-9.]+ +>= 0\.5 +(not )?met$'
  expect_text "scan: the machine" out '[0-9]+ cores, JDK [0-9.]+'
  if python3 -c 'import numpy, torch' > "$work/python" 2>&1; then
    expect_row 'PyTorch var_mean' 'memory, 822.1 MB' 2
  else
    expect_text "scan: no PyTorch here" out '^numpy and PyTorch: not measured'
  fi
}

kept_input() {
  local arguments=(scan --size 8MiB --formats npy --contestants exact --tasks 1 --rounds 1 --data "$work/data")
  expect_code "scan --data" 0 "$bench" "${arguments[@]}"
  expect "its input is kept" test -s "$work"/data/npy-*-rows/0000.npy
  find "$work/data" -type f -exec touch -d 2020-01-01 {} +
  expect_code "scan --data, again" 0 "$bench" "${arguments[@]}"
  expect "its input is used" test -z "$(find "$work/data" -type f -newermt 2020-01-02)"
}

kernels() {
  expect_code "kernels" 0 "$bench" kernels --lines 'F32 C=64 GAUSSIAN inner=(1|784)' --rounds 1
  expect_text "kernels: a line" out '^F32 C=64 GAUSSIAN inner=784( +[0-9]+\.[0-9]+){6}$'
  expect_text "kernels: a bound" out '^F32: exact, NC or NHWC / inner=784 +[0-9.]+ +- +<= 1\.2 +(not )?met$'
}

normalization() {
  expect_code "eval" 0 "$bench" eval --rounds 1
  local name
  for name in 'F32 array copy' 'F32 eval' 'F32 train' 'F16 eval, bytes' 'F64 eval'; do
    expect_text "eval: $name" out "^$name( +[0-9.]+){6}$"
  done
  expect_text "eval: a bound" out '^eval / array copy +[0-9.]+ +[0-9.]+ +>= 0\.85 +(not )?met$'
  if python3 -c 'import torch' > "$work/python" 2>&1; then
    expect_text "eval: PyTorch" out '^PyTorch F32 train, preallocated, huge pages( +[0-9.]+){6}$'
  else
    expect_text "eval: no PyTorch here" out '^PyTorch: not measured'
  fi
}

usage() {
  expect_code "no benchmark" 2 "$bench"
  expect_code "an unknown benchmark" 2 "$bench" scans
  expect_code "an unknown option" 2 "$bench" scan --sizes 1GiB
  expect_code "an unknown format" 2 "$bench" scan --formats npz
  expect_code "no size" 2 "$bench" scan --size 2GB
  expect_code "--help" 0 "$bench" --help
  expect_code "scan --help" 0 "$bench" scan --help
  expect_code "kernels --help" 0 "$bench" kernels --help
  expect_code "eval --help" 0 "$bench" eval --help
}

usage
kernels
normalization
scan
kept_input
expect "nothing is left of them" test -z "$(find "$TMPDIR" -mindepth 1 -name 'spark-batchnorm-bench*')"
finish

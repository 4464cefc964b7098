#!/usr/bin/env bash
# Files that are larger than the heap, in local mode.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
trap 'rm -rf "$work"' EXIT

for rows in 5000 50000; do
  size="$((rows * 64 * 28 * 28 * 4 / 1000000000)) GB"
  npy_zeros "$work/large.npy" "$rows" 64 28 28
  expect_code "$size with a heap of 512 MB" 0 \
    "$launcher" --driver-memory 512m -- recalibrate --input "$work/large.npy" --output "$work/$rows.safetensors" --json
  expect_driver_heap "$size with a heap of 512 MB" 450 540
  expect_text "$size: every value is counted" out "\"count\" ?: ?\\[$((rows * 28 * 28)),"
  expect_text "$size: every channel is constant" out '"constantChannels" ?: ?64'
  rm "$work/large.npy"
done

# The input is beyond the 2^31 bytes of an int.
npy_zeros "$work/in.npy" 88000 8 28 28
expect "a checkpoint" "$launcher" recalibrate "$root/jobs/digits.yaml" --output "$work/digits.safetensors" \
  --report "$work/digits.json"
expect_code "eval of 2.2 GB with a heap of 256 MB" 0 env SPARK_BATCHNORM_JAVA_OPTS=-Xmx256m \
  "$launcher" eval --checkpoint "$work/digits.safetensors" --layer bn1 "$work/in.npy" "$work/out.npy"
expect "eval: as large as its input" test \
  "$(wc -c < "$work/out.npy" | tr -d ' ')" = "$(wc -c < "$work/in.npy" | tr -d ' ')"
expect "eval: nothing is left beside the output" test -z "$(find "$work" -name '*out.npy*' ! -name out.npy)"
finish

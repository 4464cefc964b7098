#!/usr/bin/env bash
# Files that are larger than the heap, in local mode.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
trap 'rm -rf "$work"' EXIT

npy_zeros "$work/large.npy" 14950 64 28 28
expect_code "3 GB with a heap of 1 GB" 0 \
  "$launcher" --driver-memory 1g -- recalibrate --input "$work/large.npy" --output "$work/large.safetensors" --json
expect_driver_heap "3 GB with a heap of 1 GB" 950 1100
expect_text "3 GB: every value is counted" out '"count" ?: ?\[11720800,'
expect_text "3 GB: every channel is constant" out '"constantChannels" ?: ?64'
rm "$work/large.npy"

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

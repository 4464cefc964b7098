#!/usr/bin/env bash
# The shipped example, twice, as a user runs it.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"

cd "$root"
rm -f target/digits-bn.safetensors target/digits-report.json
expect_code "first run" 0 scripts/spark-batchnorm recalibrate jobs/digits.yaml
expect_text "first run: a table on stdout" out '^bn3 +32 '
expect_text "first run: its steps on stderr" err 'INFO +counting 3 layers'
expect_no_text "first run: nothing else on stderr" err ' (WARN|ERROR) '
expect "checkpoint is there" test -s target/digits-bn.safetensors
expect "report makes sense" compare_reports target/digits-report.json
expect "keep the report" cp target/digits-report.json "$work/first.json"
expect_code "second run" 0 scripts/spark-batchnorm recalibrate jobs/digits.yaml --json
expect_no_text "second run: nothing is built" err 'building'
expect "second run: the same statistics" compare_reports target/digits-report.json "$work/first.json"
for kernel in scalar vector; do
  expect_code "$kernel kernel" 0 scripts/spark-batchnorm --conf "spark.batchnorm.kernel=$kernel" -- \
    recalibrate jobs/digits.yaml --output "$work/$kernel.safetensors"
  expect_text "$kernel kernel: it ran" err "exact sums by the $kernel kernel"
  expect "$kernel kernel: the same bytes" cmp "$work/$kernel.safetensors" target/digits-bn.safetensors
done
expect_code "no such kernel" 2 scripts/spark-batchnorm --conf spark.batchnorm.kernel=gpu -- \
  recalibrate jobs/digits.yaml --output "$work/none.safetensors"
expect_code "inspect" 0 scripts/spark-batchnorm inspect target/digits-bn.safetensors
expect_text "inspect: a table on stdout" out '^bn3 +32 '
expect_no_text "inspect: nothing on stderr" err '.'
finish

# shellcheck shell=bash
# Sourced by the checks of this folder: runs commands, prints a line for each expectation, counts.
set -euo pipefail
unset CDPATH
# A user's own Spark would take the place of the one that is checked.
unset SPARK_HOME SPARK_CONF_DIR SPARK_SUBMIT_OPTS MASTER

root=$(cd "${BASH_SOURCE[0]%/*}/.." && pwd -P)
# shellcheck disable=SC2034 # for who sources this
launcher=$root/scripts/spark-batchnorm
work=$root/target/ci/$(basename "$0" .sh)
passed=0
failed=0
rm -rf "$work"
mkdir -p "$work"

passes() {
  passed=$((passed + 1))
  printf 'ok     %s\n' "$1"
}

fails() {
  failed=$((failed + 1))
  printf 'FAILED %s: %s\n' "$1" "$2"
  if [ -s "$work/err" ]; then tail -n 20 "$work/err"; fi
}

# expect_code NAME CODE COMMAND...: what it prints is in $work/out and $work/err.
expect_code() {
  local name=$1 expected=$2 code=0
  shift 2
  "$@" > "$work/out" 2> "$work/err" || code=$?
  if [ "$code" = "$expected" ]; then passes "$name: exit code $code"; else fails "$name" "exit code $code, expected $expected"; fi
}

# expect_text NAME out|err EXTENDED-REGULAR-EXPRESSION
expect_text() {
  if grep -Eq -e "$3" "$work/$2"; then passes "$1"; else fails "$1" "std$2 has no line like $3"; fi
}

expect_no_text() {
  if grep -Eq -e "$3" "$work/$2"; then fails "$1" "std$2 has a line like $3"; else passes "$1"; fi
}

expect_no_stack_trace() {
  expect_no_text "$1: no stack trace" err '^[[:space:]]+at |Exception|^Caused by'
}

# expect NAME COMMAND...: that it succeeds.
expect() {
  local name=$1
  shift
  if "$@" > "$work/out" 2> "$work/err"; then passes "$name"; else fails "$name" "$*"; fi
}

# The figure in "driver heap 734.0 MB" of the last command, in MB.
driver_heap() {
  sed -n 's/.*driver heap \([0-9.]*\) \([kMG]\)B.*/\1 \2/p' "$work/err" |
    awk '{print int($1 * ($2 == "G" ? 1000 : $2 == "M" ? 1 : 0.001))}'
}

# What -Xmx gives is a little less than asked for with some collectors.
expect_driver_heap() {
  local name=$1 least=$2 most=$3 seen
  seen=$(driver_heap)
  if [ -n "$seen" ] && [ "$seen" -ge "$least" ] && [ "$seen" -le "$most" ]; then
    passes "$name: driver heap $seen MB"
  else
    fails "$name" "driver heap ${seen:-unknown} MB, expected $least to $most"
  fi
}

# compare_reports A [B]: that A makes sense, and that its statistics are B's.
compare_reports() {
  "${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "$root/target/spark-home/jars/*" "$root/.ci/CompareReports.java" "$@"
}

# npy_header DTYPE N C H W: 128 bytes.
npy_header() {
  local dictionary="{'descr': '$1', 'fortran_order': False, 'shape': ($2, $3, $4, $5), }"
  # 10 bytes of magic and length, 117 of dictionary and blanks, a line end.
  printf '\x93NUMPY\x01\x00\x76\x00%-117s\n' "$dictionary"
}

# npy_zeros FILE N C H W: a sparse file of float32 zeros.
npy_zeros() {
  local file=$1
  npy_header '<f4' "$2" "$3" "$4" "$5" > "$file"
  truncate -s $((128 + 4 * $2 * $3 * $4 * $5)) "$file"
}

finish() {
  printf '%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
}

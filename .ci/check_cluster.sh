#!/usr/bin/env bash
# The example on a real cluster: the same statistics as in local mode, and the same answers to what is wrong.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"
# shellcheck source=.ci/cluster.sh
. "${BASH_SOURCE[0]%/*}/cluster.sh"
trap stop_cluster EXIT
trap 'exit 130' INT TERM

digits=$root/jobs/digits.yaml

# on_cluster [spark-submit options --] recalibrate ...
on_cluster() {
  local options=()
  while [ "$1" != recalibrate ]; do
    [ "$1" = -- ] || options+=("$1")
    shift
  done
  SPARK_LOCAL_IP=127.0.0.1 "$launcher" --master "$master_url" --executor-memory 512m \
    --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false \
    ${options[@]+"${options[@]}"} -- "$@"
}

# The master and the workers listen on a port for Spark and on one for their page.
listens_on_loopback_only() {
  local group processes='' sockets
  for group in "${daemons[@]}"; do
    processes+=$(ps -eo pid=,pgid= | awk -v group="$group" '$2 == group {printf "|pid=%s,", $1}')
  done
  sockets=$(ss -Hltnp | grep -E "${processes#|}")
  [ "$(wc -l <<< "$sockets")" -ge 6 ] && ! grep -Ev '(127\.0\.0\.1|\[::ffff:127\.0\.0\.1\]):[0-9]+ ' <<< "$sockets"
}

expect "local mode" "$launcher" recalibrate "$digits" --output "$work/local.safetensors" --report "$work/local.json"
if start_cluster; then passes "a master and two workers"; else
  cp "$work/master.log" "$work/err"
  fails "a master and two workers" "they did not find each other within a minute"
  finish
fi
if command -v ss > /dev/null; then expect "it listens on the loopback address only" listens_on_loopback_only; fi

expect_code "cluster" 0 on_cluster --driver-memory 700m -- recalibrate "$digits" --split-size 65536 \
  --set "checkpoint.path=$work/cluster.safetensors" --set "report.path=$work/cluster.json"
expect_text "cluster: the job ran there" err "Spark 4\.[0-9.]+ on $master_url"
expect_driver_heap "cluster: --driver-memory 700m" 600 740
expect "cluster: executors of both workers" test -s "$work/worker-1"/app-*/*/stderr -a -s "$work/worker-2"/app-*/*/stderr
expect "cluster: the statistics of local mode, to the last bit" compare_reports "$work/cluster.json" "$work/local.json"
expect "cluster: the checkpoint of local mode, byte for byte" cmp "$work/cluster.safetensors" "$work/local.safetensors"

head -c 20000 "$root/jobs/data/digits/000000.safetensors" > "$work/truncated.safetensors"
expect_code "truncated file" 3 on_cluster recalibrate --input "$work/truncated.safetensors" --output "$work/1.safetensors"
expect_no_stack_trace "truncated file"
expect_text "truncated file: it is named" err "truncated\.safetensors"
expect_code "missing path" 3 on_cluster recalibrate --input "$work/missing" --output "$work/2.safetensors"
expect_no_stack_trace "missing path"
expect_code "existing output" 2 on_cluster recalibrate --input "$root/jobs/data/digits" --output "$work/cluster.safetensors"
expect_no_stack_trace "existing output"
expect "nothing is written for them" test -z "$(find "$work" -name '[12].safetensors*')"
finish

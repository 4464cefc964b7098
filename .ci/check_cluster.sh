#!/usr/bin/env bash
# On real clusters: the same statistics as in local mode, the same answers to what is wrong, and an executor that dies.
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

# npy_integers FILE: int16 [8000, 64, 8, 8], 66 MB, of the example's bytes over and over.
npy_integers() {
  local file=$1
  npy_header '<i2' 8000 64 8 8 > "$file"
  for _ in {1..50}; do cat "$root"/jobs/data/digits/*.safetensors; done | head -c $((8000 * 64 * 8 * 8 * 2)) >> "$file"
  [ "$(wc -c < "$file")" -eq $((128 + 8000 * 64 * 8 * 8 * 2)) ]
}

# Sets executor to the pid and executor_id to the number of the executor that this worker (1 or 2) runs.
find_executor() {
  local group=${daemons[$1]} process
  process=$(ps -eo pid=,pgid=,args= | awk -v group="$group" '$2 == group && /CoarseGrainedExecutorBackend/')
  [ "$(wc -l <<< "$process")" = 1 ] || return 1
  read -r executor _ <<< "$process"
  executor_id=$(sed -n 's/.* --executor-id \([0-9]*\) .*/\1/p' <<< "$process")
  [ -n "$executor_id" ]
}

# finished_tasks [EXECUTOR]: of the first stage, which reads; counted in the driver's log.
finished_tasks() { grep -Ec "Finished task [0-9.]+ in stage 0\.0 .*executor ${1:-[0-9]+}\)" "$work/killed.log" || true; }
executor_has_finished_tasks() { find_executor "$1" && [ "$(finished_tasks "$executor_id")" -ge "$2" ]; }

# Kills an executor in the middle of a scan of 2,000 splits, and says how the driver ends.
scan_with_a_killed_executor() {
  local driver code=0
  on_cluster --driver-java-options "-Dlog4j2.configurationFile=file:$work/scheduler.properties" -- recalibrate \
    --input "$work/integers.npy" --split-size 32768 --output "$work/killed.safetensors" 2> "$work/killed.log" &
  driver=$!
  if poll 60 executor_has_finished_tasks 1 100; then
    kill -KILL "$executor"
    tasks_before=$(finished_tasks)
  fi
  wait "$driver" || code=$?
  cat "$work/killed.log" >&2
  return "$code"
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

expect "integers" npy_integers "$work/integers.npy"
expect "integers: local mode" "$launcher" recalibrate --input "$work/integers.npy" --output "$work/integers.safetensors"
cat > "$work/scheduler.properties" << 'END'
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
logger.scheduler.name = org.apache.spark.scheduler
logger.scheduler.level = info
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{HH:mm:ss.SSS} %-5p %c{1}: %m%n%ex
END
executor=''
executor_id=''
tasks_before=none
expect_code "an executor is killed" 0 scan_with_a_killed_executor
expect_text "an executor is killed: it is lost" err "Lost executor $executor_id on .*code 137"
expect_text "an executor is killed: what it had counted is counted anew" err 'Resubmitted ShuffleMapTask'
expect "an executor is killed: in the middle of the scan" test "$tasks_before" -ge 100 -a "$tasks_before" -lt 2000
expect "an executor is killed: $(finished_tasks) tasks for 2000 splits" test "$(finished_tasks)" -gt 2000
expect "an executor is killed: the checkpoint of local mode, byte for byte" \
  cmp "$work/killed.safetensors" "$work/integers.safetensors"

head -c 20000 "$root/jobs/data/digits/000000.safetensors" > "$work/truncated.safetensors"
expect_code "truncated file" 3 on_cluster recalibrate --input "$work/truncated.safetensors" --output "$work/1.safetensors"
expect_no_stack_trace "truncated file"
expect_text "truncated file: it is named" err "truncated\.safetensors"
expect_code "missing path" 3 on_cluster recalibrate --input "$work/missing" --output "$work/2.safetensors"
expect_no_stack_trace "missing path"
expect_code "existing output" 2 on_cluster recalibrate --input "$root/jobs/data/digits" --output "$work/cluster.safetensors"
expect_no_stack_trace "existing output"
expect "nothing is written for them" test -z "$(find "$work" -name '[12].safetensors*')"
stop_cluster
expect_code "local-cluster" 0 env SPARK_LOCAL_IP=127.0.0.1 "$launcher" --master 'local-cluster[2,1,1024]' \
  --conf spark.driver.host=127.0.0.1 --conf spark.driver.bindAddress=127.0.0.1 --conf spark.ui.enabled=false -- \
  recalibrate "$digits" --split-size 65536 --output "$work/local-cluster.safetensors" --report "$work/local-cluster.json"
expect_text "local-cluster: the job ran there" err 'Spark 4\.[0-9.]+ on local-cluster'
expect "local-cluster: the statistics of local mode, to the last bit" compare_reports "$work/local-cluster.json" "$work/local.json"
expect "local-cluster: the checkpoint of local mode, byte for byte" cmp "$work/local-cluster.safetensors" "$work/local.safetensors"
finish

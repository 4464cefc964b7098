# shellcheck shell=bash
# Sourced after checks.sh: a standalone cluster of one master and two workers on the loopback address, from the jars in
# target/spark-home. Sets master_url. Whoever calls start_cluster has stop_cluster in a trap.
# shellcheck disable=SC2034,SC2154 # what is shared with the other files

java=${JAVA_HOME:+$JAVA_HOME/bin/}java
spark_home=$root/target/spark-home
# shellcheck source=scripts/lib/spark.sh
. "$root/scripts/lib/spark.sh"
daemons=()

# Each daemon leads a process group of its own, which its executors join.
daemon() {
  local log=$1
  shift
  set -m
  (
    export SPARK_LOCAL_IP=127.0.0.1 SPARK_CONF_DIR=$work/no-conf SPARK_DAEMON_MEMORY=256m
    exec_spark_class "$@"
  ) > "$log" 2>&1 < /dev/null &
  daemons+=($!)
  set +m
}

# poll SECONDS COMMAND...: until it succeeds.
poll() {
  local deadline=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$deadline" ] || return 1
    sleep 0.1
  done
}

registered_workers() { [ "$(grep -c 'Registering worker' "$work/master.log")" -ge "$1" ]; }
says_master_url() { grep -q 'Starting Spark master at spark://' "$work/master.log"; }

start_cluster() {
  local package=org.apache.spark.deploy number
  mkdir -p "$work/no-conf"
  daemon "$work/master.log" $package.master.Master --host 127.0.0.1 --port 0 --webui-port 0
  poll 60 says_master_url || return 1
  master_url=$(sed -n 's|.*Starting Spark master at \(spark://[0-9.:]*\).*|\1|p' "$work/master.log")
  for number in 1 2; do
    daemon "$work/worker-$number.log" $package.worker.Worker --host 127.0.0.1 --port 0 --webui-port 0 \
      --cores 1 --memory 1g --work-dir "$work/worker-$number" "$master_url"
  done
  poll 60 registered_workers 2
}

stop_cluster() {
  local group
  for group in ${daemons[@]+"${daemons[@]}"}; do
    kill -KILL -- "-$group" 2> /dev/null || true
    wait "$group" 2> /dev/null || true
  done
  daemons=()
}

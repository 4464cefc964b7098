# shellcheck shell=bash
# Sourced by scripts/spark-batchnorm after spark.sh: HotSpot's class data sharing. A start loads 10,000 classes, most of
# them Spark's; from an archive, where they lie as they do in memory, that takes 2 seconds less. An archive belongs to
# one Java and one class path, whose first entries are the jars that Maven resolved. Where it does not fit, HotSpot does
# without it.
# shellcheck disable=SC2154

# Where an archive does not fit after all, there is nothing that the user should do.
no_complaints='-Xlog:cds*=off'

# By name: a wildcard has no order that is sure to be the same the next time.
spark_class_path() {
  local file path=''
  for file in "$spark_home"/jars/*.jar; do path+=:$file; done
  printf '%s\n' "${path#:}"
}

# Sets archive. An empty file says that this Java cannot make one.
find_archive() {
  local home key
  home=$(real_path "$java")
  home=${home%/bin/java}
  key=$({
    printf '%s\n' "$home"
    cat "$root/target/spark.classpath" "$home/release" 2> /dev/null || true
  } | cksum)
  archive=$state/classes-${key/ /-}.jsa
}

# Makes command, which starts Spark with conf/local, use the archive; makes the archive where there is none.
share_spark_classes() {
  local archive
  put_spark_classes_first || return 0
  find_archive
  if [ ! -e "$archive" ]; then archive_classes || true; fi
  if [ -s "$archive" ]; then
    command=("${command[0]}" "$no_complaints" -XX:SharedArchiveFile="$archive" "${command[@]:1}")
  fi
}

# Fails where the user has put something before them. conf/local goes: what is in it, Spark finds by SPARK_CONF_DIR, and
# an archive allows no folder before its classes.
put_spark_classes_first() {
  local i path
  for ((i = 1; i < ${#command[@]}; i++)); do
    path=${command[i]}
    case $path in
      "$root/conf/local/:"*"$spark_home/jars/*"* | "hive-jackson/*:$root/conf/local/:"*"$spark_home/jars/*"*)
        [ "${command[i - 1]}" = -cp ] || continue
        command[i]=$(spark_class_path)${path##*"$spark_home/jars/*"}
        return 0
        ;;
    esac
  done
  return 1
}

# From what a run of the shipped example loads. Whatever goes wrong, the user's own run is not to suffer.
archive_classes() {
  local made=$archive.$$
  say "keeping Spark's classes for faster starts (once; some 15 seconds)"
  (
    spark_command org.apache.spark.deploy.SparkSubmit --class "$main_class" "$jar" recalibrate "$root/jobs/digits.yaml" \
      --output "$made.safetensors" --report "$made.json" &&
      put_spark_classes_first &&
      "${command[0]}" -XX:ArchiveClassesAtExit="$made" "${command[@]:1}" &&
      # A damaged archive would crash whatever uses it.
      "$java" "$no_complaints" -XX:SharedArchiveFile="$made" -XX:+VerifySharedSpaces -Xshare:on -cp "$(spark_class_path)" -version
  ) > "$state/classes.log" 2>&1 < /dev/null || : > "$made.bad"
  rm -f "$made.safetensors" "$made.json"
  if [ -e "$made.bad" ]; then mv -f "$made.bad" "$made"; fi
  mv -f "$made" "$archive"
  find "$state" -name 'classes-*.jsa' ! -name "${archive##*/}" -mtime +30 -exec rm -f {} +
}

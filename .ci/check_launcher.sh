#!/usr/bin/env bash
# What the launcher does by itself: finding its way, help, usage errors, builds. In a copy of the sources, as it edits them.
# shellcheck source=.ci/checks.sh
. "${BASH_SOURCE[0]%/*}/checks.sh"

tree="$work/a folder/tree"
script=$tree/scripts/spark-batchnorm
main=$tree/src/main/java/org/sparkbatchnorm/cli/Main.java
mkdir -p "$tree/src"
cp -R "$root/pom.xml" "$root/.mvn" "$root/scripts" "$root/conf" "$root/jobs" "$tree"
cp -R "$root/src/main" "$tree/src/main"

# A PATH of a few tools only: no_such_tool NAME... leaves those out.
path_without() {
  local tool skipped=" $* "
  rm -rf "${work:?}/bin"
  mkdir "$work/bin"
  for tool in bash sh env cat cksum cp date dirname basename find flock grep java javac ln ls mkdir mv mvn ps readlink \
    rm sed sleep tail touch tr uname expr which; do
    if [[ $skipped != *" $tool "* ]] && command -v "$tool" > /dev/null; then
      ln -s "$(command -v "$tool")" "$work/bin/$tool"
    fi
  done
}

fake_java() {
  mkdir -p "$work/java-$1/bin"
  printf '#!/bin/sh\necho "openjdk version \\"%s\\"" >&2\n' "$2" > "$work/java-$1/bin/java"
  chmod +x "$work/java-$1/bin/java"
}

fake_mvn() {
  mkdir -p "$work/maven-$1"
  printf '#!/bin/sh\necho "Apache Maven %s"\n' "$1" > "$work/maven-$1/mvn"
  chmod +x "$work/maven-$1/mvn"
}

# one_line_error NAME COMMAND...: exit code 2 and one line about it.
one_line_error() {
  local name=$1 lines
  expect_code "$name" 2 "${@:2}"
  lines=$(wc -l < "$work/err" | tr -d ' ')
  if [ "$lines" = 1 ]; then passes "$name: $(cat "$work/err")"; else fails "$name" "$lines lines on stderr"; fi
}

usage_errors() {
  one_line_error "no Java where JAVA_HOME points" env JAVA_HOME="$work/nowhere" "$script" --version
  fake_java 11 11.0.22
  one_line_error "Java 11" env JAVA_HOME="$work/java-11" "$script" --version
  fake_java 8 1.8.0_402
  one_line_error "Java 8" env JAVA_HOME="$work/java-8" "$script" --version
  path_without java mvn
  one_line_error "no Java" env -u JAVA_HOME PATH="$work/bin" "$script" --version
  path_without mvn
  one_line_error "no Maven" env PATH="$work/bin" "$script" --version
  fake_mvn 3.6.3
  one_line_error "Maven 3.6" env PATH="$work/maven-3.6.3:$PATH" "$script" --version
  expect_code "no command" 2 "$script"
  expect_code "options for spark-submit without --" 2 "$script" --driver-memory 1g recalibrate jobs/digits.yaml
  expect_text "options for spark-submit without --" err '--driver-memory.* end with --'
  expect_code "no command after --" 2 "$script" --driver-memory 1g --
}

first_build() {
  expect_code "first build" 0 "$script" --version
  expect_text "first build: it says so" err 'building \(there is no build yet'
  expect_text "first build: the program's version" out '^spark-batchnorm [0-9]'
  expect_code "second call" 0 "$script" --version
  expect_no_text "second call: nothing on stderr" err '.'
}

help_and_places() {
  local command
  expect_code "--help" 0 "$script" --help
  expect_text "--help: the launcher's" out 'spark-submit options --'
  expect_text "--help: the program's" out '^  recalibrate'
  for command in recalibrate eval inspect; do
    expect_code "$command --help" 0 "$script" "$command" --help
    expect_text "$command --help" out "Usage: .*$command"
    expect_code "$command --version" 0 "$script" "$command" --version
  done
  expect_no_text "help and versions start no Spark" err '.'

  ln -s "a folder/tree/scripts/spark-batchnorm" "$work/link"
  mkdir "$work/elsewhere"
  ln -s "$work/link" "$work/elsewhere/link to link"
  cd "$work/elsewhere"
  expect_code "through links, from another folder" 0 "./link to link" --version
  expect_code "from the PATH" 0 env PATH="$work:$PATH" link --version
  expect_code "a path with blanks, on Spark" 0 "$script" --conf "spark.app.name=a b" -- \
    recalibrate "$tree/jobs/digits.yaml" --output "out put.safetensors"
  expect "a relative output is in the current folder" test -s "out put.safetensors"
  cd "$root"

  expect_code "an unknown command" 2 "$script" recalibarte
  expect_code "an unknown option" 2 "$script" recalibrate --inptu x
  expect_code "inspect of nothing" 3 "$script" inspect "$work/missing"
  expect_code "options for spark-submit, but no Spark" 2 "$script" --driver-memory 1g -- inspect x
  expect_text "options for spark-submit, but no Spark" err 'inspect starts no Spark'
}

# A Java that only says its version: it is not to be started.
too_new_java() {
  fake_java 25 25.0.1
  one_line_error "Java 25, which Hadoop 3.4.1 does not run on" env JAVA_HOME="$work/java-25" \
    "$script" recalibrate "$root/jobs/digits.yaml"
  one_line_error "Java 25, for another command" env JAVA_HOME="$work/java-25" "$script" inspect x
}

kept_classes() {
  local archives=("$tree"/target/launcher/classes-*.jsa)
  local job=(recalibrate --input "$root/jobs/data/digits" --overwrite --output "$work/k.safetensors")
  expect "one archive of Spark's classes" test "${#archives[@]}" = 1 -a -s "${archives[0]}"
  expect_code "with an archive" 0 "$script" --driver-java-options -Xlog:class+load -- "${job[@]}"
  expect_text "with an archive: it serves" out 'spark\.scheduler\.DAGScheduler source: shared objects file'
  expect_no_text "with an archive: it is not made again" err 'keeping'
  expect_code "classes of the user's" 0 "$script" --driver-class-path "$work" -- "${job[@]}"
  mv "${archives[0]}" "$work/archive"
  : > "${archives[0]}"
  expect_code "where none can be made" 0 "$script" "${job[@]}"
  expect_no_text "where none can be made: nobody tries" err 'keeping'
  mv -f "$work/archive" "${archives[0]}"
}

# The rules of which configuration serves are those of conf/local/spark-defaults.conf: 2g and no page.
configuration() {
  local job=(recalibrate --input "$root/jobs/data/digits" --overwrite --output "$work/c.safetensors")
  expect_code "no configuration: conf/local" 0 "$script" "${job[@]}"
  expect_driver_heap "no configuration: conf/local" 1900 2200
  expect_code "a local master: conf/local" 0 "$script" --master 'local[1]' -- "${job[@]}"
  expect_driver_heap "a local master: conf/local" 1900 2200
  expect_text "a local master: it counts" err 'Spark 4\.[0-9.]+ on local\[1\]'
  mkdir "$work/conf"
  echo 'spark.driver.memory 600m' > "$work/conf/spark-defaults.conf"
  expect_code "SPARK_CONF_DIR" 0 env SPARK_CONF_DIR="$work/conf" "$script" "${job[@]}"
  expect_driver_heap "SPARK_CONF_DIR" 500 640
  printf 'rootLogger.level = info\nrootLogger.appenderRef.a.ref = a\nappender.a.type = Console\nappender.a.name = a
appender.a.target = SYSTEM_ERR\nappender.a.layout.type = PatternLayout\nappender.a.layout.pattern = mine %%m%%n\n' \
    > "$work/mine.properties"
  expect_code "a log4j configuration by option" 0 "$script" \
    --driver-java-options "-Dlog4j2.configurationFile=file://$work/mine.properties" -- "${job[@]}"
  expect_text "a log4j configuration by option" err '^mine .*counting'
  cp "$work/mine.properties" "$work/conf/log4j2.properties"
  expect_code "a log4j configuration in SPARK_CONF_DIR" 0 env SPARK_CONF_DIR="$work/conf" "$script" "${job[@]}"
  expect_text "a log4j configuration in SPARK_CONF_DIR" err '^mine .*counting'
}

rebuilds() {
  touch "$main"
  "$script" --version > "$work/one" 2>&1 &
  expect_code "a touched source, and two launchers at once" 0 "$script" --version
  if wait $!; then passes "the other launcher"; else fails "the other launcher" "$(cat "$work/one")"; fi
  if [ "$(cat "$work/one" "$work/err" | grep -c ': building')" = 1 ]; then
    passes "one of them builds"
  else
    fails "one of them builds" "$(cat "$work/one")"
  fi

  # Without flock, and after a launcher that was killed while it built. No process has this number.
  printf 'package org.sparkbatchnorm.cli;\n\nfinal class Extra {}\n' > "${main%/*}/Extra.java"
  path_without flock
  mkdir -p "$tree/target/launcher/lock.d"
  echo 4194305 > "$tree/target/launcher/lock.d/owner"
  expect_code "a new source, no flock, a stale lock" 0 env PATH="$work/bin" "$script" --version
  expect_text "a new source is seen" err 'building \(src/main/.* changed'
  expect "the lock is gone" test ! -e "$tree/target/launcher/lock.d"

  rm "${main%/*}/Extra.java"
  expect_code "a deleted source" 0 "$script" --version
  expect_text "a deleted source is seen" err 'building \(src/main/.* changed'

  echo 'no Java' >> "$main"
  expect_code "a source that does not compile" 1 "$script" --version
  expect_text "a source that does not compile: where" err 'Main\.java:\['
  expect_text "a source that does not compile: the log" err 'build\.log$'
}

usage_errors
first_build
help_and_places
too_new_java
kept_classes
configuration
rebuilds
finish

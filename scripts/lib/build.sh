# shellcheck shell=bash
# Sourced by scripts/spark-batchnorm, which sets root: finds Java, and builds what is out of date. Sets
#   java        the java to run
#   java_major  its version: 17, 21
#   jar         the program, with what it brings along
#   spark_home  a Spark home without bin/, made of the jars that Maven resolved
# Runs in bash 3.2 too, which is what macOS has.
# shellcheck disable=SC2154 # root

state=$root/target/launcher
spark_home=$root/target/spark-home
stamp=$state/built

say() { printf 'spark-batchnorm: %s\n' "$*" >&2; }

die() {
  local code=$1
  shift
  say "$@"
  exit "$code"
}

require_java() {
  if [ -n "${JAVA_HOME:-}" ]; then
    java=$JAVA_HOME/bin/java
    [ -x "$java" ] || die 2 "JAVA_HOME is $JAVA_HOME, but there is no bin/java in it"
  else
    java=$(command -v java) || die 2 "Java 17 or newer is needed, but there is no java on the PATH and JAVA_HOME is not set"
  fi
  java_major=$(java_version)
  [ "${java_major:-0}" -ge 17 ] ||
    die 2 "Java 17 or newer is needed, but $java is Java ${java_major:-unknown}; JAVA_HOME can name another"
}

# The file "release" answers at once, starting a JVM takes longer than all the rest of this script.
java_version() {
  local home line=''
  home=$(real_path "$java")
  home=${home%/bin/java}
  if [ -r "$home/release" ]; then
    line=$(grep '^JAVA_VERSION=' "$home/release" || true)
  fi
  if [ -z "$line" ]; then
    line=$("$java" -version 2>&1 | grep 'version "' || true)
  fi
  line=${line#*\"}
  line=${line#1.}
  printf '%s\n' "${line%%[!0-9]*}"
}

require_maven() {
  local said version
  command -v mvn > /dev/null || die 2 "Maven 3.8 or newer is needed to build, but there is no mvn on the PATH"
  said=$(cd / && mvn -v 2>&1) || true
  case $said in
    *"Apache Maven "*) ;;
    *) die 2 "Maven 3.8 or newer is needed to build, but mvn -v does not say its version: ${said##*$'\n'}" ;;
  esac
  version=${said#*Apache Maven }
  version=${version%%[!0-9.]*}
  case $version in
    [12].* | 3.[0-7] | 3.[0-7].*) die 2 "Maven 3.8 or newer is needed to build, but mvn is Maven $version" ;;
  esac
}

# Builds where the last build of this script does not fit the sources any more; sets jar.
ensure_built() {
  local reason
  reason=$(build_reason)
  if [ -n "$reason" ]; then
    require_maven
    mkdir -p "$state" 2> /dev/null || true
    [ -w "$state" ] || die 1 "a build is needed ($reason), but $state cannot be written to"
    (
      lock
      # Another launcher may have built while this one waited.
      reason=$(build_reason)
      if [ -n "$reason" ]; then build "$reason"; fi
    )
  fi
  read -r jar < "$stamp"
  jar=$state/$jar
}

# Why a build is needed; nothing where none is. Folders count as sources: they change when a file in them goes.
build_reason() {
  local name='' options='' newer link
  if [ -f "$stamp" ]; then
    { read -r name && read -r options; } < "$stamp" || true
  fi
  if [ -z "$name" ] || [ ! -f "$state/$name" ]; then
    echo "there is no build yet; Maven may have to fetch Spark first, which takes minutes"
    return
  fi
  if [ "$options" != "${SPARK_BATCHNORM_MAVEN_OPTS:-}" ]; then
    echo "SPARK_BATCHNORM_MAVEN_OPTS is not what it was"
    return
  fi
  newer=$(find "$root/pom.xml" "$root/src/main" -newer "$stamp" -print -quit)
  if [ -n "$newer" ]; then
    echo "${newer#"$root/"} changed"
    return
  fi
  for link in "$spark_home"/jars/*; do
    if [ ! -e "$link" ]; then
      echo "${link##*/} is gone from Maven's repository"
      return
    fi
  done
}

build() {
  local log=$state/build.log started=$state/started assembly name
  say "building ($1)"
  # An edit while Maven runs is newer than this.
  : > "$started"
  # Options are to be split into words; tests and their compilation are for who works on the program.
  # shellcheck disable=SC2086
  if ! (cd "$root" && mvn -q -B -Dstyle.color=never -Dmaven.test.skip=true \
    ${SPARK_BATCHNORM_MAVEN_OPTS:-} package) > "$log" 2>&1 < /dev/null; then
    tail -n 20 "$log" >&2
    die 1 "the build failed; all that Maven said is in $log"
  fi
  link_spark_home
  # A copy under a name of its own: a job that runs, and its executors, still read the jar they started with.
  assembly=$(newest_assembly)
  name=spark-batchnorm-$(cksum < "$assembly" | tr ' ' '-').jar
  cp "$assembly" "$state/$name.new"
  mv -f "$state/$name.new" "$state/$name"
  printf '%s\n%s\n' "$name" "${SPARK_BATCHNORM_MAVEN_OPTS:-}" > "$stamp.new"
  touch -r "$started" "$stamp.new"
  mv -f "$stamp.new" "$stamp"
  find "$state" -name 'spark-batchnorm-*.jar' ! -name "$name" -mtime +7 -exec rm -f {} +
}

# The version in its name may have changed since an earlier build.
newest_assembly() {
  local file newest=''
  for file in "$root"/target/spark-batchnorm_*-assembly.jar; do
    if [ -z "$newest" ] || [ "$file" -nt "$newest" ]; then newest=$file; fi
  done
  printf '%s\n' "$newest"
}

link_spark_home() {
  local paths
  IFS=: read -r -a paths < "$root/target/spark.classpath" || true
  rm -rf "$spark_home/jars.new" "$spark_home/jars.old"
  mkdir -p "$spark_home/jars.new" "$spark_home/jars"
  ln -s "${paths[@]}" "$spark_home/jars.new/"
  mv "$spark_home/jars" "$spark_home/jars.old"
  mv "$spark_home/jars.new" "$spark_home/jars"
  rm -rf "$spark_home/jars.old"
}

# One build at a time in this folder, until the subshell that calls this ends.
lock() {
  if command -v flock > /dev/null; then
    exec 9> "$state/lock"
    flock -n 9 && return
    say "waiting for a build that another launcher began"
    flock -w 1800 9 || die 1 "still waiting after 30 minutes for who holds $state/lock"
  else
    lock_by_folder "$state/lock.d"
  fi
}

# Where there is no flock. The folder holds its owner's process id: who finds that process gone takes the lock over.
lock_by_folder() {
  local folder=$1 owner waited=0 without_owner=0
  until mkdir "$folder" 2> /dev/null; do
    [ "$waited" -gt 0 ] || say "waiting for a build that another launcher began"
    [ "$waited" -lt 1800 ] || die 1 "still waiting after 30 minutes for who holds $folder"
    owner=$(cat "$folder/owner" 2> /dev/null || true)
    # The owner writes its id right after it made the folder.
    if [ -z "$owner" ]; then without_owner=$((without_owner + 1)); else without_owner=0; fi
    if [ "$without_owner" -gt 5 ] || { [ -n "$owner" ] && ! ps -p "$owner" > /dev/null; }; then
      rm -rf "$folder"
    else
      sleep 1
      waited=$((waited + 1))
    fi
  done
  echo $$ > "$folder/owner"
  # shellcheck disable=SC2064 # the folder's name as it is now
  trap "rm -rf '${folder//\'/\'\\\'\'}'" EXIT
}

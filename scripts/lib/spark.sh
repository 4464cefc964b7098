# shellcheck shell=bash
# Sourced by scripts/spark-batchnorm after build.sh: finds a Spark and its configuration, and submits to it. The caller
# sets root, java, java_major, jar, spark_home, main_class and submit_options.
# shellcheck disable=SC2154

# Sets submit, and submit_home where its Spark home is known; fails where no Spark is installed.
find_spark_submit() {
  submit=''
  submit_home=''
  if [ -n "${SPARK_HOME:-}" ] && [ -x "$SPARK_HOME/bin/spark-submit" ]; then
    submit=$SPARK_HOME/bin/spark-submit
  elif ! submit=$(command -v spark-submit); then
    return 1
  else
    # It would go where that points to.
    unset SPARK_HOME
  fi
  local script home
  script=$(real_path "$submit")
  home=${script%/bin/spark-submit}
  # In PyPI's pyspark the script asks one that lies beside it. A vendor's wrapper keeps its home to itself.
  if [ ! -d "$home/jars" ] && [ -f "${script%/*}/find-spark-home" ]; then
    # shellcheck disable=SC2016 # for that shell
    home=$(bash -c '. "${0%/*}/find-spark-home" && printf "%s\n" "$SPARK_HOME"' "$script") || true
  fi
  if [ -d "$home/jars" ]; then submit_home=$home; fi
}

# Spark would start, and then fail on a class or method that it lacks.
require_spark_4() {
  local core
  for core in "$1"/jars/spark-core_*.jar; do
    case ${core##*/} in
      spark-core_2.13-[4-9]* | 'spark-core_*.jar') ;;
      *) die 2 "Spark 4 for Scala 2.13 is needed, but $1 has ${core##*/}; SPARK_HOME can name another" ;;
    esac
  done
}

# It asks for the subject of a security manager, which later Javas do not have.
require_java_for_hadoop() {
  [ -e "$spark_home/jars/hadoop-client-api-3.4.1.jar" ] || return 0
  [ "$java_major" -lt 24 ] ||
    die 2 "Hadoop 3.4.1, which Spark 4.0 brings, needs a Java before 24, but $java is Java $java_major; JAVA_HOME can name another"
}

run_on_spark() {
  local configuration=''
  if find_spark_submit; then
    if [ -n "$submit_home" ]; then require_spark_4 "$submit_home"; fi
  elif [ -n "${SPARK_HOME:-}" ]; then
    say "there is no bin/spark-submit in SPARK_HOME ($SPARK_HOME): running the Spark that Maven resolved"
  fi
  choose_configuration
  choose_logging
  set -- --class "$main_class" ${submit_options[@]+"${submit_options[@]}"} "$jar" "$@"
  if [ -n "$submit" ]; then exec "$submit" "$@"; fi
  require_java_for_hadoop
  spark_command org.apache.spark.deploy.SparkSubmit "$@"
  if [ "$configuration" = "$root/conf/local" ]; then share_spark_classes; fi
  exec "${command[@]}"
}

# conf/local serves where it cannot take the place of something of the user's.
choose_configuration() {
  configuration=${SPARK_CONF_DIR:-}
  [ -z "$configuration" ] || return 0
  case $(named_master) in local | 'local['*) ;; *) return 0 ;; esac
  if [ -n "$submit" ]; then
    [ -n "$submit_home" ] || return 0
    configuration=$submit_home/conf
    if [ -e "$configuration/spark-defaults.conf" ] || [ -e "$configuration/spark-env.sh" ]; then return 0; fi
  fi
  configuration=$root/conf/local
  # The address keeps Spark from looking for another one of this machine, and from warning of what it finds.
  export SPARK_CONF_DIR=$configuration SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}
}

# The master that the user names: on the command line, in a file that stands for spark-defaults.conf, or as MASTER.
named_master() {
  local previous='' option master=${MASTER:-local}
  for option in ${submit_options[@]+"${submit_options[@]}"}; do
    case "$previous $option" in
      '--master '* | '--remote '*) master=$option ;;
      '--conf spark.master='* | '-c spark.master='*) master=${option#*=} ;;
      *' --master='* | *' --remote='*) master=${option#*=} ;;
      *' --conf=spark.master='*) master=${option#*=*=} ;;
      '--properties-file '* | *' --properties-file='*) master=in-a-file ;;
    esac
    previous=$option
  done
  printf '%s\n' "$master"
}

# SPARK_SUBMIT_OPTS comes before --driver-java-options in the driver's command, and a system property stands behind
# --conf and spark-defaults.conf: whatever the user says wins.
choose_logging() {
  local options=''
  user_chose_logging || options="-Dlog4j2.configurationFile=$(file_uri "$root/conf/log4j2.properties")"
  # The bar draws over its own line, which is of no use in a file.
  if [ -t 2 ]; then options+=' -Dspark.ui.showConsoleProgress=true'; fi
  export SPARK_SUBMIT_OPTS="$options ${SPARK_SUBMIT_OPTS:-}"
}

# Whether a configuration of log4j comes from the user: by option, by variable, or in Spark's configuration folder.
user_chose_logging() {
  local file said="${submit_options[*]-} ${SPARK_SUBMIT_OPTS:-} ${SPARK_BATCHNORM_JAVA_OPTS:-}"
  said+=" ${JAVA_TOOL_OPTIONS:-} ${JDK_JAVA_OPTIONS:-} ${LOG4J_CONFIGURATION_FILE:+log4j.configurationFile}"
  if [ -n "${configuration:-}" ]; then
    for file in "$configuration"/log4j2*.*; do
      case ${file##*.} in properties | xml | json | jsn | yaml | yml) [ ! -e "$file" ] || return 0 ;; esac
    done
    if [ -r "$configuration/spark-defaults.conf" ]; then said+=" $(< "$configuration/spark-defaults.conf")"; fi
  fi
  case $said in *log4j*.configurationFile*) return 0 ;; *) return 1 ;; esac
}

# A URI, so that blanks in the path survive the splitting of options into words.
file_uri() {
  local path=${1//\%/%25}
  path=${path// /%20}
  path=${path//\#/%23}
  printf 'file://%s\n' "${path//\?/%3F}"
}

# What bin/spark-class does, without a Spark installation: this process becomes the command for a class of Spark.
exec_spark_class() {
  spark_command "$@"
  exec "${command[@]}"
}

# Sets command. Spark's launcher makes it, with the class's heap and module options, which a bare SparkSubmit would not
# have.
spark_command() {
  local part code delimiter=$'\n'
  command=()
  export SPARK_HOME=$spark_home SPARK_SCALA_VERSION=2.13
  while IFS= read -r -d "$delimiter" part; do
    if [ -z "$delimiter" ]; then
      command+=("$part")
    elif [ -z "$part" ]; then
      # The line that is one NUL, which bash reads as none: the command follows, its parts NUL-terminated.
      delimiter=''
    else
      printf '%s\n' "$part" >&2
    fi
  done < <(
    set +e
    "$java" -Xmx128m -XX:TieredStopAtLevel=1 -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main "$@"
    printf '%d\0' $?
  )
  # The last part is the launcher's own exit code; without a command there is not even that.
  [ ${#command[@]} -gt 0 ] || exit 1
  code=${command[${#command[@]} - 1]}
  [ "$code" = 0 ] || exit "$code"
  unset "command[${#command[@]}-1]"
}

package org.sparkbatchnorm.job;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.statistics.Accumulation;
import org.sparkbatchnorm.statistics.KernelWarmUp;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Storage;
import scala.Option;

/**
 * Runs a job in a Spark session of its own: what the command line does. Where this JVM has a
 * session already, as in a notebook, that one is used as it is, and goes on.
 */
public final class SparkRun {
  private static final Logger LOG = LoggerFactory.getLogger(SparkRun.class);
  private static final String APP_NAME = "spark-batchnorm recalibrate";

  /** About as long as a session takes to start. */
  private static final long WARM_UP_MILLIS = 2_000;

  private SparkRun() {}

  /**
   * Runs the job.
   *
   * @throws OutputExistsException if an output exists and may not be replaced; Spark was not
   *     started
   * @throws MalformedFileException if something in the input is bad; nothing was written
   * @throws CommitException if an output could not be written
   */
  public static RunReport recalibrate(JobSpec spec)
      throws OutputExistsException, MalformedFileException, CommitException {
    Configuration hadoop = SparkHadoopUtil.get().newConfiguration(conf());
    try (Outputs outputs = Outputs.open(Storage.of(hadoop), spec)) {
      outputs.requirePossible();
    }
    warmUp(spec);
    try (Owned spark = Owned.open()) {
      return new RecalibrationJob(spark.session(), spec).run();
    }
  }

  /**
   * Says what {@link #recalibrate} would read.
   *
   * @throws MalformedFileException if an input cannot be listed or a header is bad
   */
  public static JobPlan plan(JobSpec spec) throws MalformedFileException {
    try (Owned spark = Owned.open()) {
      return new RecalibrationJob(spark.session(), spec).plan();
    }
  }

  /** In local mode the tasks run in this JVM, one core of which idles while the session starts. */
  private static void warmUp(JobSpec spec) {
    SparkConf conf = conf();
    Counting counting = Counting.of(spec.statistics(), conf);
    if (conf.get("spark.master").startsWith("local")
        && counting.accumulation() == Accumulation.EXACT) {
      Thread thread =
          new Thread(
              new KernelWarmUp(counting.requiredKernels(), WARM_UP_MILLIS), "kernel-warm-up");
      thread.setDaemon(true);
      thread.start();
    }
  }

  /** A session, stopped in the end only if it was started here. */
  private record Owned(SparkSession session, boolean isOurs) implements AutoCloseable {
    static Owned open() {
      Option<SparkSession> existing = SparkSession.getActiveSession();
      if (existing.isEmpty()) {
        existing = SparkSession.getDefaultSession();
      }
      SparkSession session =
          existing.isDefined()
              ? existing.get()
              : SparkSession.builder().config(conf()).getOrCreate();
      LOG.info(
          "{} Spark {} on {}, driver heap {}",
          existing.isDefined() ? "found" : "started",
          session.version(),
          session.sparkContext().master(),
          ByteCount.text(Runtime.getRuntime().maxMemory()));
      return new Owned(session, existing.isEmpty());
    }

    @Override
    public void close() {
      if (isOurs) {
        session.stop();
      }
    }
  }

  /** What spark-submit set, and a local master where it set none. */
  private static SparkConf conf() {
    return new SparkConf()
        .setIfMissing("spark.master", "local[*]")
        .setIfMissing("spark.app.name", APP_NAME);
  }
}

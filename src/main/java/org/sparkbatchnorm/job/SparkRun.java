package org.sparkbatchnorm.job;

import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Storage;

/** Runs a job in a Spark session of its own: what the command line does. */
public final class SparkRun {
  private static final Logger LOG = LoggerFactory.getLogger(SparkRun.class);
  private static final String APP_NAME = "spark-batchnorm recalibrate";

  private SparkRun() {}

  /**
   * Runs the job and stops the session.
   *
   * @throws OutputExistsException if an output exists and may not be replaced; Spark was not
   *     started
   * @throws MalformedFileException if something in the input is bad; nothing was written
   * @throws CommitException if an output could not be written
   */
  public static RunReport recalibrate(JobSpec spec)
      throws OutputExistsException, MalformedFileException, CommitException {
    SparkConf conf = conf();
    Configuration hadoop = SparkHadoopUtil.get().newConfiguration(conf);
    Outputs.of(Storage.of(hadoop), spec).requirePossible();
    SparkSession session = session(conf);
    try {
      return new RecalibrationJob(session, spec).run();
    } finally {
      session.stop();
    }
  }

  /**
   * Says what {@link #recalibrate} would read, and stops the session.
   *
   * @throws MalformedFileException if an input cannot be listed or a header is bad
   */
  public static JobPlan plan(JobSpec spec) throws MalformedFileException {
    SparkSession session = session(conf());
    try {
      return new RecalibrationJob(session, spec).plan();
    } finally {
      session.stop();
    }
  }

  /** What spark-submit set, and a local master where it set none. */
  private static SparkConf conf() {
    return new SparkConf()
        .setIfMissing("spark.master", "local[*]")
        .setIfMissing("spark.app.name", APP_NAME);
  }

  private static SparkSession session(SparkConf conf) {
    SparkSession session = SparkSession.builder().config(conf).getOrCreate();
    LOG.info(
        "Spark {} on {}, driver heap {}",
        session.version(),
        session.sparkContext().master(),
        ByteCount.text(Runtime.getRuntime().maxMemory()));
    return session;
  }
}

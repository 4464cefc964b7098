package org.sparkbatchnorm.job;

import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;

/**
 * The one Spark session of all tests, started by the first that asks. Its settings are those of a
 * user for whom nothing was made easy: the job must work in spite of them.
 */
public final class LocalSpark {
  /** Two threads; a task is tried three times. */
  private static final String MASTER = "local[2,3]";

  private static final SparkSession SESSION =
      SparkSession.builder()
          .master(MASTER)
          .appName("spark-batchnorm tests")
          .config("spark.ui.enabled", false)
          .config("spark.sql.shuffle.partitions", 2)
          .config("spark.driver.bindAddress", "127.0.0.1")
          .config("spark.driver.host", "127.0.0.1")
          .config("spark.serializer", "org.apache.spark.serializer.KryoSerializer")
          .config("spark.sql.files.ignoreCorruptFiles", true)
          .config("spark.sql.files.ignoreMissingFiles", true)
          .config("spark.sql.parquet.binaryAsString", true)
          .config("spark.hadoop.fs.flaky.impl", FlakyFileSystem.class.getName())
          .config("spark.hadoop.fs.flaky.impl.disable.cache", true)
          .getOrCreate();

  private LocalSpark() {}

  /** The session; nobody may stop it. */
  public static SparkSession session() {
    return SESSION;
  }

  static JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(SESSION.sparkContext());
  }
}

package org.sparkbatchnorm.job;

import java.util.function.IntPredicate;
import org.apache.spark.sql.SparkSession;

/**
 * Who takes part in a {@link ScanBenchmark}.
 *
 * @param name what it is called in the table
 * @param input what it reads
 * @param bytes of the values in its input
 * @param place where it runs
 * @param takesPart with which numbers of tasks
 * @param turn does it once
 */
record Contestant(
    String name, String input, long bytes, Place place, IntPredicate takesPart, Turn turn) {

  /** Where something runs. */
  enum Place {
    /** In this JVM, which has to compile it first. */
    HERE,
    /** In a process of its own. */
    ELSEWHERE
  }

  /** One measurement. */
  interface Turn {
    /**
     * Reads all of the input.
     *
     * @param session which runs so many tasks
     * @return seconds
     */
    double seconds(SparkSession session, int tasks) throws Exception;
  }
}

package org.sparkbatchnorm.job;

import org.apache.spark.SparkContext;
import org.sparkbatchnorm.format.MalformedFileException;

/**
 * Runs the phases of a job under descriptions of their own in Spark's UI. Where the caller has set
 * a job group, its jobs stay in it, so that whoever cancels that group cancels them too; without
 * one they are in the group {@value #GROUP}. Afterwards the thread's properties are what they were.
 */
final class SparkPhases {
  private static final String GROUP = "spark-batchnorm";
  private static final String GROUP_PROPERTY = "spark.jobGroup.id";
  private static final String DESCRIPTION_PROPERTY = "spark.job.description";

  private final SparkContext spark;

  SparkPhases(SparkContext spark) {
    this.spark = spark;
  }

  /** One of them. */
  interface Phase<T> {
    T run() throws MalformedFileException;
  }

  /** Runs a phase. */
  <T> T describing(String description, Phase<T> phase) throws MalformedFileException {
    String groupBefore = spark.getLocalProperty(GROUP_PROPERTY);
    String descriptionBefore = spark.getLocalProperty(DESCRIPTION_PROPERTY);
    if (groupBefore == null) {
      spark.setLocalProperty(GROUP_PROPERTY, GROUP);
    }
    spark.setLocalProperty(DESCRIPTION_PROPERTY, "spark-batchnorm: " + description);
    try {
      return phase.run();
    } finally {
      spark.setLocalProperty(GROUP_PROPERTY, groupBefore);
      spark.setLocalProperty(DESCRIPTION_PROPERTY, descriptionBefore);
    }
  }
}

package org.sparkbatchnorm.job;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.spark.SparkConf;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.statistics.ExactKernels;

/**
 * A job whose checkpoint goes to {@code out/bn.safetensors} of a test's folder, with settings as
 * {@code key=value}.
 */
final class TestJob {
  private final JobSpec spec;

  private TestJob(JobSpec spec) {
    this.spec = spec;
  }

  static TestJob of(Path folder, Object input, String... settings) {
    List<Assignment> assignments = new ArrayList<>();
    assignments.add(Assignment.parse("input.paths=" + input));
    assignments.add(Assignment.parse("checkpoint.path=" + checkpoint(folder)));
    assignments.add(Assignment.parse("checkpoint.overwrite=true"));
    for (String setting : settings) {
      assignments.add(Assignment.parse(setting));
    }
    return new TestJob(JobSpec.parse(Optional.empty(), assignments, folder.toString()));
  }

  static Path checkpoint(Path folder) {
    return folder.resolve("out").resolve("bn.safetensors");
  }

  /** What the last run wrote. */
  static byte[] checkpointBytes(Path folder) throws IOException {
    return Files.readAllBytes(checkpoint(folder));
  }

  JobSpec spec() {
    return spec;
  }

  RunReport run() throws IOException {
    return new RecalibrationJob(LocalSpark.session(), spec).run();
  }

  /** With the kernel for exact sums that a user forces by {@code --conf}. */
  RunReport run(String kernel) throws IOException {
    SparkConf conf = LocalSpark.session().sparkContext().conf();
    conf.set(ExactKernels.PROPERTY, kernel);
    try {
      return run();
    } finally {
      conf.remove(ExactKernels.PROPERTY);
    }
  }

  RunReport run(Dataset<Row> rows) throws IOException {
    return new RecalibrationJob(LocalSpark.session(), spec).run(rows);
  }

  JobPlan plan() throws MalformedFileException {
    return new RecalibrationJob(LocalSpark.session(), spec).plan();
  }
}

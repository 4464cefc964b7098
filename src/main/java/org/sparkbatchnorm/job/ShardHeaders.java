package org.sparkbatchnorm.job;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.api.java.function.Function;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.util.SerializableConfiguration;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.source.Shard;
import org.sparkbatchnorm.source.ShardFormat;
import org.sparkbatchnorm.storage.Storage;
import org.sparkbatchnorm.storage.StoredFile;

/**
 * Reads the headers of all files: on the driver if they are few, in a Spark stage if they are many.
 */
final class ShardHeaders {
  /**
   * Files that the driver reads one after the other; a round trip to an object store takes some 50
   * ms.
   */
  private static final int FEW = 256;

  /** The code of a failure that another attempt may not meet. */
  private static final String MAY_PASS = "IO_READ";

  /** Headers a task reads, so that a task lasts longer than it takes to start. */
  private static final int FILES_PER_TASK = 64;

  private ShardHeaders() {}

  /** A header or what is wrong with it, as a value: bad input is not worth a second attempt. */
  private record Outcome(Shard shard, StoredFile file, MalformedFileException failure)
      implements Serializable {
    private static final long serialVersionUID = 1L;
  }

  private record Read(
      Broadcast<SerializableConfiguration> configuration, ShardFormat format, int attempts)
      implements Function<byte[], byte[]> {
    private static final long serialVersionUID = 1L;

    @Override
    public byte[] call(byte[] file) throws MalformedFileException {
      return JavaBytes.of(read(JavaBytes.read(file, StoredFile.class)));
    }

    private Outcome read(StoredFile file) throws MalformedFileException {
      try {
        Storage storage = Storage.of(configuration.value().value());
        return new Outcome(format.read(storage, file), file, null);
      } catch (MalformedFileException e) {
        if (e.code().equals(MAY_PASS) && !TaskAttempts.isLast(attempts)) {
          throw e;
        }
        return new Outcome(null, file, e.withoutCause());
      }
    }
  }

  /**
   * All headers, ordered by URI.
   *
   * @throws MalformedFileException what is wrong with the first bad file
   */
  static List<Shard> read(JavaSparkContext spark, InputFiles input) throws MalformedFileException {
    ShardFormat format =
        switch (input.format()) {
          case SAFETENSORS -> ShardFormat.SAFETENSORS;
          case NPY -> ShardFormat.NPY;
          case PARQUET -> throw new IllegalArgumentException("Parquet is read by Spark");
        };
    List<Shard> shards = new ArrayList<>();
    if (input.files().size() <= FEW) {
      Storage storage = Storage.of(spark.hadoopConfiguration());
      for (StoredFile file : input.files()) {
        shards.add(format.read(storage, file));
      }
      return shards;
    }
    for (Outcome outcome : readOnExecutors(spark, format, input.files())) {
      if (outcome.failure() != null) {
        throw outcome.failure();
      }
      shards.add(outcome.shard());
    }
    return shards;
  }

  private static List<Outcome> readOnExecutors(
      JavaSparkContext spark, ShardFormat format, List<StoredFile> files) {
    Broadcast<SerializableConfiguration> configuration =
        spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration()));
    try {
      return spark
          .parallelize(
              files.stream().map(JavaBytes::of).toList(),
              Math.max(1, files.size() / FILES_PER_TASK))
          .map(new Read(configuration, format, TaskAttempts.of(spark)))
          .collect()
          .stream()
          .map(outcome -> JavaBytes.read(outcome, Outcome.class))
          .sorted(Comparator.comparing(outcome -> outcome.file().uri()))
          .toList();
    } finally {
      configuration.destroy();
    }
  }
}

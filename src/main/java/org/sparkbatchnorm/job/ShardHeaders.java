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

  /** Headers a task reads, so that a task lasts longer than it takes to start. */
  private static final int FILES_PER_TASK = 64;

  private ShardHeaders() {}

  /** A header or what is wrong with it, as a value: bad input is not worth a second attempt. */
  private record Outcome(Shard shard, StoredFile file, MalformedFileException failure)
      implements Serializable {
    private static final long serialVersionUID = 1L;
  }

  private record Read(Broadcast<SerializableConfiguration> configuration, ShardFormat format)
      implements Function<StoredFile, Outcome> {
    private static final long serialVersionUID = 1L;

    @Override
    public Outcome call(StoredFile file) {
      try {
        Storage storage = Storage.of(configuration.value().value());
        return new Outcome(format.read(storage, file), file, null);
      } catch (MalformedFileException e) {
        return new Outcome(null, file, e);
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
    spark.sc().setJobDescription("reading the headers of " + input.files().size() + " files");
    Read read =
        new Read(
            spark.broadcast(new SerializableConfiguration(spark.hadoopConfiguration())), format);
    List<Outcome> outcomes =
        new ArrayList<>(
            spark
                .parallelize(input.files(), Math.max(1, input.files().size() / FILES_PER_TASK))
                .map(read)
                .collect());
    outcomes.sort(Comparator.comparing(outcome -> outcome.file().uri()));
    for (Outcome outcome : outcomes) {
      if (outcome.failure() != null) {
        throw outcome.failure();
      }
      shards.add(outcome.shard());
    }
    return shards;
  }
}

package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.storage.Publication;
import org.sparkbatchnorm.storage.Storage;

/** What a job writes: the checkpoint, and the report where one is asked for. */
final class Outputs implements Closeable {
  private final CheckpointOutput checkpoint;
  private final Optional<Publication> report;

  private Outputs(CheckpointOutput checkpoint, Optional<Publication> report) {
    this.checkpoint = checkpoint;
    this.report = report;
  }

  /**
   * The outputs of a job; a model that is to be copied is opened.
   *
   * @throws MalformedFileException if the model cannot be read
   */
  static Outputs open(Storage storage, JobSpec spec) throws MalformedFileException {
    JobSpec.Output output = spec.output();
    return new Outputs(
        output.model().isPresent()
            ? ModelCopy.open(storage, output, output.model().get())
            : new NewCheckpoint(storage, spec),
        spec.reportPath().map(path -> storage.publication(path, output.replacing())));
  }

  /** URIs of files that are no activations, wherever they lie. */
  static Set<String> uris(Storage storage, JobSpec spec) throws MalformedFileException {
    Set<String> uris = new HashSet<>();
    uris.add(storage.uri(spec.output().path()));
    if (spec.output().model().isPresent()) {
      uris.add(storage.uri(spec.output().model().get().path()));
    }
    if (spec.reportPath().isPresent()) {
      uris.add(storage.uri(spec.reportPath().get()));
    }
    return uris;
  }

  /**
   * Refuses what could not be written at the end, before anything is read.
   *
   * @throws OutputExistsException if an output exists and may not be replaced
   * @throws CommitException if the storage cannot be asked
   */
  void requirePossible() throws OutputExistsException, CommitException {
    checkpoint.requirePossible();
    if (report.isPresent()) {
      report.get().requirePossible();
    }
  }

  CheckpointOutput checkpoint() {
    return checkpoint;
  }

  /** Writes the report, where one is asked for. */
  void publishReport(RunReport result) throws CommitException {
    if (report.isPresent()) {
      report.get().publish((ReportJson.of(result) + "\n").getBytes(StandardCharsets.UTF_8));
    }
  }

  @Override
  public void close() throws MalformedFileException {
    checkpoint.close();
  }
}

package org.sparkbatchnorm.job;

import java.io.Closeable;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.sparkbatchnorm.format.MalformedFileException;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.storage.CommitException;
import org.sparkbatchnorm.storage.OutputExistsException;
import org.sparkbatchnorm.tensor.DType;

/** Where the statistics of a job go: a new checkpoint, or a copy of a model. */
interface CheckpointOutput extends Closeable {
  /**
   * Refuses what could not be written at the end, before anything is read.
   *
   * @throws OutputExistsException if an output exists and may not be replaced
   * @throws CommitException if the storage cannot be asked
   */
  void requirePossible() throws OutputExistsException, CommitException;

  /**
   * Checks that the layers have a place in it.
   *
   * @param channels C of each layer of the statistics
   * @throws MalformedFileException if one has not
   * @throws JobSpecException if the job names layers that are not among these
   */
  void requireLayers(Map<String, Integer> channels) throws MalformedFileException;

  /** The type that the mean of a layer of the statistics is stored as. */
  DType dtype(String layer) throws MalformedFileException;

  /** The running statistics that a layer of the statistics has there so far. */
  Optional<RunningStatistics> initial(String layer) throws MalformedFileException;

  /**
   * What whoever uses the result should know, a sentence each.
   *
   * @param layers that get new statistics
   */
  List<String> warnings(Set<String> layers) throws MalformedFileException;

  /**
   * Writes the statistics, all at once.
   *
   * @param fingerprint of the values that they come from
   */
  void publish(List<RunReport.Layer> layers, Optional<String> fingerprint)
      throws CommitException, MalformedFileException;

  @Override
  void close() throws MalformedFileException;
}

package org.sparkbatchnorm.job;

import java.util.List;
import org.sparkbatchnorm.format.MalformedFileException;

/** Activations found and ready to be counted, whatever they are stored in. */
interface ActivationScan {
  /** What will be read. */
  JobPlan plan() throws MalformedFileException;

  /**
   * Reads and counts everything, once. The state is complete: every planned split is in it, and
   * every value the headers declared.
   *
   * @throws MalformedFileException if something in the input is bad
   * @throws IllegalStateException if something was counted twice or not at all
   */
  ScanState run() throws MalformedFileException;

  /** What will be read, in a few words. */
  String description();

  /** What its user should know of the input, a sentence each. */
  List<String> warnings();

  /**
   * What was read.
   *
   * @param state the result of {@link #run()}
   * @param paths as the job gave them
   */
  RunReport.Input input(ScanState state, List<String> paths);
}

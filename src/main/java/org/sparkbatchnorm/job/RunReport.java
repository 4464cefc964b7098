package org.sparkbatchnorm.job;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntToLongFunction;
import java.util.stream.IntStream;
import org.sparkbatchnorm.checkpoint.TypedStatistics;
import org.sparkbatchnorm.layer.RunningStatistics;
import org.sparkbatchnorm.statistics.ChannelMoments;
import org.sparkbatchnorm.statistics.LayerMoments;
import org.sparkbatchnorm.tensor.DType;

/**
 * What a job found and wrote.
 *
 * @param checkpoint path or URI of the checkpoint
 * @param model path or URI of the model that it is a copy of, if it is
 * @param dtype of its statistics; several are joined by commas
 * @param estimators the first is in the checkpoint
 * @param convention whose words epsilon, momentum and names are
 * @param choices what was chosen besides for estimators that look at mini-batches, by metadata key
 * @param accumulator how sums were kept
 * @param fingerprint SHA-256 of all exact moments; empty for Welford's
 * @param kernel what summed exactly: scalar or vector, or both where machines differ
 * @param epsilon recorded in the checkpoint
 * @param layers in the order of their names
 * @param warnings about the input and the checkpoint's numbers, a sentence each
 * @param input what was read
 * @param seconds how long it took
 */
public record RunReport(
    String checkpoint,
    Optional<String> model,
    String dtype,
    List<String> estimators,
    String convention,
    Map<String, String> choices,
    String accumulator,
    Optional<String> fingerprint,
    String kernel,
    double epsilon,
    List<Layer> layers,
    List<String> warnings,
    Input input,
    Seconds seconds) {

  /**
   * One layer.
   *
   * @param moments everything counted
   * @param pooled mean and biased variance of all values of each channel
   * @param statistics by estimator, in the order asked for
   * @param sideBySide {@code paper} and {@code pooled-unbiased}, where mini-batches were kept;
   *     empty where they are not defined
   * @param dtype the type of the mean in the checkpoint
   * @param stored the first estimator's, rounded to that type
   * @param typed the first estimator's, in any type
   * @param fingerprint SHA-256 of the exact moments; empty for Welford's
   */
  public record Layer(
      LayerMoments moments,
      RunningStatistics pooled,
      Map<String, RunningStatistics> statistics,
      Map<String, Optional<RunningStatistics>> sideBySide,
      DType dtype,
      RunningStatistics stored,
      TypedStatistics typed,
      Optional<String> fingerprint) {

    /** Name of the layer. */
    public String name() {
      return moments.layer();
    }

    /** C. */
    public int channels() {
      return moments.pooled().channels();
    }

    /** Number of finite values of each channel. */
    long[] counts() {
      return perChannel(moments.pooled()::count);
    }

    /** Something of each channel, in channel order. */
    long[] perChannel(IntToLongFunction ofChannel) {
      return IntStream.range(0, channels()).mapToLong(ofChannel).toArray();
    }

    /** Channels whose finite values are all equal. */
    public int constantChannels() {
      ChannelMoments pooled = moments.pooled();
      int constant = 0;
      for (int c = 0; c < pooled.channels(); c++) {
        constant += pooled.isConstant(c) ? 1 : 0;
      }
      return constant;
    }
  }

  /**
   * What was read.
   *
   * @param files number of files
   * @param tensors number of tensors or rows
   * @param bytes of the tensors
   * @param splits number of tasks
   * @param paths as the job gave them
   */
  public record Input(int files, long tensors, long bytes, int splits, List<String> paths) {}

  /**
   * Wall times in seconds.
   *
   * @param plan listing and headers
   * @param scan the Spark stage that reads and counts
   * @param total from the first look at the input to the published checkpoint
   */
  public record Seconds(double plan, double scan, double total) {}
}

package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/** Hands blocks to sums in doubles, row by row. */
final class NaiveKernel implements KernelContestant.Kernel {
  private final NaiveSums loops;
  private final double[] sums;

  NaiveKernel(NaiveSums loops, int channels) {
    this.loops = loops;
    sums = new double[2 * channels];
  }

  @Override
  public void add(TensorBlock block) {
    loops.load(block);
    int n = block.elements();
    int channels = block.view().channels();
    int inner = (int) block.view().inner();
    if (inner == 1) {
      for (int from = 0; from <= n - channels; from += channels) {
        loops.places(from, channels, sums);
      }
      return;
    }
    for (int from = 0, c = 0; from < n; from += inner, c = c + 1 == channels ? 0 : c + 1) {
      loops.row(from, Math.min(n, from + inner), sums, c);
    }
  }
}

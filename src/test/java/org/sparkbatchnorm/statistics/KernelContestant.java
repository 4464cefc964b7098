package org.sparkbatchnorm.statistics;

import org.sparkbatchnorm.tensor.TensorBlock;

/** What a {@link KernelBenchmark} measures. */
enum KernelContestant {
  EXACT_VECTOR,
  EXACT_SCALAR,
  NAIVE_VECTOR,
  NAIVE_SCALAR;

  /** Sums blocks. */
  interface Kernel {
    void add(TensorBlock block);
  }

  Kernel forChannels(int channels) {
    ExactSums sums = ExactSums.forChannels(channels);
    NonFiniteCounts nonFinite = NonFiniteCounts.none(channels);
    return switch (this) {
      case EXACT_VECTOR -> new ExactVectorKernel(CountingLoops.vectorLoops(), sums, nonFinite)::add;
      case EXACT_SCALAR -> ExactKernels.scalarKernel(sums, nonFinite)::add;
      case NAIVE_VECTOR -> new NaiveKernel(NaiveSums.vector(), channels);
      case NAIVE_SCALAR -> new NaiveKernel(new NaiveSums.Scalar(), channels);
    };
  }
}

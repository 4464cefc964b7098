package org.sparkbatchnorm.job;

import java.util.function.Supplier;
import org.sparkbatchnorm.kernel.NormalizationKernels;
import org.sparkbatchnorm.statistics.ExactKernels;

/** The kernels of this JVM, where nothing was said of a kernel but by the system property. */
final class LocalKernels {
  private LocalKernels() {}

  /**
   * For normalization.
   *
   * @throws JobSpecException if a kernel is forced that cannot run here
   */
  static NormalizationKernels normalization() {
    return required(NormalizationKernels::ofThisJvm);
  }

  /**
   * For exact sums.
   *
   * @throws JobSpecException if a kernel is forced that cannot run here
   */
  static ExactKernels exact() {
    return required(ExactKernels::ofThisJvm);
  }

  private static <T> T required(Supplier<T> kernels) {
    try {
      return kernels.get();
    } catch (IllegalStateException e) {
      throw new JobSpecException(e.getMessage());
    }
  }
}

package org.sparkbatchnorm.kernel;

import java.util.Locale;
import java.util.Optional;

/** Both implementations; tests of what they do run on each. */
enum Kernel {
  SCALAR,
  VECTOR;

  NormalizationKernels kernels() {
    return NormalizationKernels.ofThisJvm(Optional.of(name().toLowerCase(Locale.ROOT)));
  }
}

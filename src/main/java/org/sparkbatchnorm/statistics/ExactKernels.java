package org.sparkbatchnorm.statistics;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** Which {@link ExactKernel} this JVM runs, and why: see {@link KernelChoice}. Immutable. */
public final class ExactKernels {
  /** The system property that forces a kernel. */
  public static final String PROPERTY = KernelChoice.PROPERTY;

  private static final KernelChoice.Candidate<CertifiedLoops> VECTOR =
      new KernelChoice.Candidate<>(
          "exact sums",
          () ->
              Class.forName("org.sparkbatchnorm.statistics.VectorLoops")
                  .asSubclass(CertifiedLoops.class)
                  .getDeclaredConstructor()
                  .newInstance(),
          ExactKernelCheck::passes);

  private static final Map<String, ExactKernels> CHOSEN = new ConcurrentHashMap<>();

  private final KernelChoice<CertifiedLoops> choice;

  private ExactKernels(KernelChoice<CertifiedLoops> choice) {
    this.choice = choice;
  }

  /**
   * What this JVM runs, as the system property says: chosen once, in some tenths of a second, most
   * of which load classes.
   *
   * @throws IllegalStateException if the property forces what there is not
   */
  public static ExactKernels ofThisJvm() {
    return ofThisJvm(Optional.ofNullable(System.getProperty(PROPERTY)));
  }

  /**
   * What this JVM runs: chosen once.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if that forces what there is not
   */
  public static ExactKernels ofThisJvm(Optional<String> forced) {
    return CHOSEN.computeIfAbsent(forced.orElse(""), word -> choose(forced));
  }

  /**
   * Chooses.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if it is something else, or {@code vector} where that cannot run
   */
  static ExactKernels choose(Optional<String> forced) {
    return new ExactKernels(KernelChoice.of(VECTOR, forced));
  }

  /** {@code scalar} or {@code vector}. */
  public String name() {
    return choice.name();
  }

  /** Which kernel and why, in a sentence for the log. */
  public String reason() {
    return choice.reason();
  }

  /** A kernel that adds to these sums and counts. */
  ExactKernel kernel(ExactSums sums, NonFiniteCounts nonFinite) {
    return choice.vector().isPresent()
        ? new ExactVectorKernel(choice.vector().get(), sums, nonFinite)
        : scalarKernel(sums, nonFinite);
  }

  /** The reference. */
  static ExactKernel scalarKernel(ExactSums sums, NonFiniteCounts nonFinite) {
    return new ExactScalarKernel(sums, nonFinite);
  }
}

package org.sparkbatchnorm.kernel;

import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.sparkbatchnorm.statistics.KernelChoice;

/** Which {@link Normalization} this JVM runs, and why: see {@link KernelChoice}. Immutable. */
public final class NormalizationKernels {
  private static final KernelChoice.Candidate<NormalizationLoops> VECTOR =
      new KernelChoice.Candidate<>(
          "normalization",
          () ->
              Class.forName("org.sparkbatchnorm.kernel.VectorNormalization")
                  .asSubclass(NormalizationLoops.class)
                  .getDeclaredConstructor()
                  .newInstance(),
          NormalizationCheck::passes);

  private static final Map<String, NormalizationKernels> CHOSEN = new ConcurrentHashMap<>();

  private final KernelChoice<NormalizationLoops> choice;

  private NormalizationKernels(KernelChoice<NormalizationLoops> choice) {
    this.choice = choice;
  }

  /**
   * What this JVM runs, as the system property {@link KernelChoice#PROPERTY} says: chosen once, in
   * some tenths of a second, most of which load classes.
   *
   * @throws IllegalStateException if the property forces what there is not
   */
  public static NormalizationKernels ofThisJvm() {
    return ofThisJvm(Optional.ofNullable(System.getProperty(KernelChoice.PROPERTY)));
  }

  /**
   * What this JVM runs: chosen once.
   *
   * @param forced {@code scalar}, {@code vector} or nothing
   * @throws IllegalStateException if that forces what there is not
   */
  public static NormalizationKernels ofThisJvm(Optional<String> forced) {
    return CHOSEN.computeIfAbsent(
        forced.orElse(""), word -> new NormalizationKernels(KernelChoice.of(VECTOR, forced)));
  }

  /** {@code scalar} or {@code vector}. */
  public String name() {
    return choice.name();
  }

  /** Which kernel and why, in a sentence for the log. */
  public String reason() {
    return choice.reason();
  }

  /** The arithmetic of a layer. */
  Normalization normalization(ChannelParameters parameters) {
    return choice.vector().isPresent()
        ? new LaneNormalization(choice.vector().get(), parameters)
        : new ScalarNormalization(parameters);
  }

  /** What hands arrays to the statistics. */
  ArrayBlocks blocks() {
    return new ArrayBlocks(choice.vector());
  }
}
